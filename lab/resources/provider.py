"""The common base of the lab's dynamic providers: the inputs whose change replaces or updates a resource."""

from typing import Any, ClassVar

from pulumi.dynamic import DiffResult, ResourceProvider


class Provider(ResourceProvider):
    """A dynamic provider that compares inputs by name.

    Attributes:
        replaced_by: the inputs whose change recreates the resource.
        updated_by: those whose change updates it.
        deleted_first: whether the old one is deleted before the new one is created.
    """

    replaced_by: ClassVar[tuple[str, ...]] = ()
    updated_by: ClassVar[tuple[str, ...]] = ()
    deleted_first: ClassVar[bool] = False

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Compare the inputs that count."""
        changed = [name for name in (*self.replaced_by, *self.updated_by) if _olds.get(name) != _news.get(name)]
        replaces = [name for name in changed if name in self.replaced_by]
        return DiffResult(changes=bool(changed), replaces=replaces, delete_before_replace=self.deleted_first)
