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
    "vegeta": {
        "formatter": Breakage("tally.go", "\nfunc  badlySpaced( ) {}\n", "gofmt would change"),
        "linter": Breakage(
            "main.go",
            '\nfunc wronglyFormatted() error { return fmt.Errorf("%d", "text") }\n',
            'fmt.Errorf format %d has arg "text" of wrong type string',
        ),
        "tests": Breakage(
            "broken_test.go",
            'package main\n\nimport "testing"\n\nfunc TestBroken(t *testing.T) {\n\tt.Fatal("broken on purpose")\n}\n',
            "broken on purpose",
        ),
    },
    "kotlin": {
        "formatter": Breakage(
            "src/main/kotlin/fairground/Identifier.kt",
            "\nfun  badlySpaced( ) = 1\n",
            "Single space expected after the fun keyword",
        ),
        "linter": Breakage(
            "src/main/kotlin/fairground/Identifier.kt",
            "\nfun Badly_named() = 1\n",
            "Function name should start with a lowercase letter",
        ),
        "tests": Breakage(
            "src/test/kotlin/fairground/BrokenTest.kt",
            "package fairground\n\n"
            "import kotlin.test.Test\nimport kotlin.test.fail\n\n"
            "class BrokenTest {\n"
            "    @Test\n"
            '    fun breaks(): Unit = fail("broken on purpose")\n'
            "}\n",
            "broken on purpose",
        ),
    },
    "rust": {
        "formatter": Breakage("src/identifier.rs", "\nfn  badly_spaced( ) {}\n", "Diff in "),
        "linter": Breakage(
            "src/identifier.rs",
            "\npub fn needlessly_returning() -> u8 {\n    return 1;\n}\n",
            "unneeded `return` statement",
        ),
        "tests": Breakage(
            "src/identifier/tests.rs",
            '\n#[test]\nfn breaks() {\n    panic!("broken on purpose");\n}\n',
            "broken on purpose",
        ),
    },
    "zig": {
        "formatter": Breakage("src/identifier.zig", "\nfn  badlySpaced( ) void {}\n", "src/identifier.zig"),
        # Zig's compiler has no warnings: what elsewhere is a linter's finding is an error of its own.
        "linter": Breakage(
            "src/identifier.zig",
            "\nfn withUnused() void {\n    const unused = 1;\n}\n",
            "unused local constant",
        ),
        "tests": Breakage(
            "src/identifier_test.zig",
            '\ntest "broken on purpose" {\n    return error.Broken;\n}\n',
            "broken on purpose",
        ),
    },
}
"""By implementation, and by the check that must see it."""
