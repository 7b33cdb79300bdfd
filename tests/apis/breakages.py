"""What is done to a copy of each implementation so that one of its checks goes red, and what that check then says."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Breakage:
    """A file of a copy, what is put behind its text, and what the build that fails must say."""

    file: str
    appended: str
    said: str

    def apply(self, folder: Path) -> None:
        """Do it to the copy; the file is made where it isn't there."""
        path = folder / self.file
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        path.write_text(text + self.appended, encoding="utf-8")


BREAKAGES: dict[str, dict[str, Breakage]] = {
    "go": {
        "formatter": Breakage("internal/view/view.go", "\nfunc  badlySpaced( ) {}\n", "gofmt would change"),
        "linter": Breakage("internal/view/view.go", "\nfunc unused() {}\n", "func unused is unused (U1000)"),
        "tests": Breakage(
            "internal/identifier/broken_test.go",
            "package identifier\n\n"
            'import "testing"\n\n'
            'func TestBroken(t *testing.T) {\n\tt.Fatal("broken on purpose")\n}\n',
            "broken on purpose",
        ),
    },
}
"""By implementation, and by the check that must see it."""
