"""The Pulumi program: read the stack's document, declare the lab, export the inventory."""

from pathlib import Path

import pulumi

from documents.errors import FairgroundError
from lab.components import Lab
from lab.cores import read_controller
from lab.stack_file import read_stack

project = Path(__file__).parent
name = pulumi.get_stack()
controller = read_controller()
try:
    lab = Lab(
        read_stack(project, name, controller.cores),
        controller=controller,
        stack_folder=project / ".lab" / "stacks" / name,
    )
except FairgroundError as error:
    # Pulumi shows a RunError as its message alone, without a traceback.
    raise pulumi.RunError(str(error)) from error
pulumi.export("inventory", lab.inventory.apply(lambda inventory: inventory.model_dump(mode="json")))
pulumi.export("secrets", lab.secrets.apply(lambda secrets: secrets.model_dump(mode="json")))
