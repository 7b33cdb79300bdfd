"""The manifests name the frameworks and languages that are compared, and the JVM's options fix its memory."""

import re
import tomllib
from pathlib import Path
from xml.etree import ElementTree

APIS = Path(__file__).parents[2] / "apis"
POM = {"pom": "http://maven.apache.org/POM/4.0.0"}


def text_of(path: str) -> str:
    return (APIS / path).read_text(encoding="utf-8")


def test_rust_is_axum_sqlx_and_tokio():
    locked = tomllib.loads(text_of("rust/Cargo.lock"))["package"]
    versions = {package["name"]: package["version"] for package in locked}
    assert versions["axum"] == "0.8.4"
    assert versions["sqlx"].startswith("0.8.")
    assert versions["tokio"].startswith("1.47.")
    named = tomllib.loads(text_of("rust/Cargo.toml"))["dependencies"]
    assert {"axum", "sqlx", "tokio"} <= named.keys()


def test_go_is_gin_and_gorm():
    required = re.findall(r"^\t(\S+) (v\S+)$", text_of("go/go.mod"), re.MULTILINE)
    assert ("github.com/gin-gonic/gin", "v1.10.0") in required
    assert "gorm.io/gorm" in dict(required)


def test_zig_is_the_standard_library_alone():
    [compiler] = re.findall(r"^([^\s#]+) \\$", text_of("zig/requirements.txt"), re.MULTILINE)
    assert compiler == "ziglang==0.14.1"
    assert not (APIS / "zig/build.zig.zon").exists()
    assert not re.search(r"\.dependency\(|linkSystemLibrary|linkLibC", text_of("zig/build.zig"))


def test_kotlin_is_ktor_and_exposed():
    project = ElementTree.fromstring(text_of("kotlin/pom.xml"))  # noqa: S314 - the project's own file
    properties = {item.tag.rpartition("}")[2]: item.text for item in project.iterfind("pom:properties/*", POM)}
    dependencies = {
        f"{item.findtext('pom:groupId', '', POM)}:{item.findtext('pom:artifactId', '', POM)}": (
            item.findtext("pom:version", "", POM)
        )
        for item in project.iterfind("pom:dependencies/pom:dependency", POM)
    }
    assert properties["ktor.version"] == "3.2.3"
    assert dependencies["io.ktor:ktor-server-netty-jvm"] == "${ktor.version}"
    assert dependencies["org.jetbrains.exposed:exposed-jdbc"] == "${exposed.version}"


def test_the_jvm_has_one_collector_and_a_heap_that_never_changes_its_size():
    options = [line for line in text_of("kotlin/options").splitlines() if not line.startswith("#")]
    [least] = [option.removeprefix("-Xms") for option in options if option.startswith("-Xms")]
    [most] = [option.removeprefix("-Xmx") for option in options if option.startswith("-Xmx")]
    assert least == most
    assert len([option for option in options if re.fullmatch(r"-XX:\+Use\w+GC", option)]) == 1
    entry_points = re.findall(r"^ENTRYPOINT (.*)$", text_of("kotlin/Dockerfile"), re.MULTILINE)
    assert entry_points
    assert all('"@/opt/fairground/options"' in entry_point for entry_point in entry_points)
