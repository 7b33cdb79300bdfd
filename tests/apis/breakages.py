"""What is done to a copy of each implementation so that one of its checks goes red, and what that check then says.

Each adds a file of its own, or text behind one that every source of that language has, so that it depends on no
implementation's code.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Breakage:
    """The path of a file, or a pattern of which the first is taken; what is put behind its text; what must be said."""

    file: str
    appended: str
    said: str

    def apply(self, folder: Path) -> None:
        """Do it to the copy; the file is made if it isn't there."""
        path = min(folder.glob(self.file)) if "*" in self.file else folder / self.file
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(self.appended)


def _go(folder: str, package: str, linted: str, said: str) -> dict[str, Breakage]:
    start = f"package {package}\n\n"
    test = 'import "testing"\n\nfunc TestBroken(t *testing.T) {\n\tt.Fatal("broken on purpose")\n}\n'
    return {
        "formatter": Breakage(f"{folder}broken.go", f"{start}func  badlySpaced( ) {{}}\n", "gofmt would change"),
        "linter": Breakage(f"{folder}broken.go", start + linted, said),
        "tests": Breakage(f"{folder}broken_test.go", start + test, "broken on purpose"),
    }


BREAKAGES: dict[str, dict[str, Breakage]] = {
    "go": _go("internal/broken/", "broken", "func unused() {}\n", "func unused is unused (U1000)"),
    "vegeta": _go(
        "",
        "main",
        'import "fmt"\n\nfunc wronglyFormatted() error { return fmt.Errorf("%d", "text") }\n',
        'fmt.Errorf format %d has arg "text" of wrong type string',
    ),
    "kotlin": {
        "formatter": Breakage(
            "src/main/kotlin/Broken.kt", "fun  badlySpaced( ) = 1\n", "Single space expected after the fun keyword"
        ),
        "linter": Breakage(
            "src/main/kotlin/Broken.kt",
            "fun Badly_named() = 1\n",
            "Function name should start with a lowercase letter",
        ),
        "tests": Breakage(
            "src/test/kotlin/BrokenTest.kt",
            "import kotlin.test.Test\nimport kotlin.test.fail\n\n"
            'class BrokenTest {\n    @Test\n    fun breaks(): Unit = fail("broken on purpose")\n}\n',
            "broken on purpose",
        ),
    },
    "rust": {
        "formatter": Breakage("src/bin/broken.rs", "fn  main( ) {}\n", "Diff in "),
        "linter": Breakage(
            "src/bin/broken.rs",
            "fn number() -> u8 {\n    return 1;\n}\n\nfn main() {\n    number();\n}\n",
            "unneeded `return` statement",
        ),
        "tests": Breakage(
            "src/bin/broken.rs",
            'fn main() {}\n\n#[test]\nfn breaks() {\n    panic!("broken on purpose");\n}\n',
            "broken on purpose",
        ),
    },
    "zig": {
        "formatter": Breakage("src/broken.zig", "fn  badlySpaced( ) void {}\n", "src/broken.zig"),
        # Zig's compiler has no warnings: what elsewhere is a linter's finding is an error of its own.
        "linter": Breakage(
            "build.zig", "\nfn withUnused() void {\n    const unused = 1;\n}\n", "unused local constant"
        ),
        "tests": Breakage(
            "src/**/*_test.zig", '\ntest "broken on purpose" {\n    return error.Broken;\n}\n', "broken on purpose"
        ),
    },
}
"""By implementation, and by the check that must see it."""
