"""server.py NN…: like plant.py, but third-party packages are imported once and each fault's pytest runs in a fork."""
import json, os, re, subprocess, sys, time
from pathlib import Path
CLONE, HERE, VENV = Path("W/planted"), Path("W/help/planted"), Path("W/help/venv-planted")
os.chdir(CLONE)
os.environ.update(DOCKER_HOST="unix:///nowhere/docker.sock", COLUMNS="300", GOFLAGS="-p=1", GOMAXPROCS="1",
    PATH=f"{VENV}/bin:/usr/local/go/bin:/usr/bin:/bin:/usr/sbin:/sbin")
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.path.insert(0, str(HERE))
from faults import FAULTS
from first import FIRST
sys.path.remove(str(HERE))
import pytest, _pytest, hypothesis, pulumi, pulumi.dynamic, pulumi_docker, pydantic, yaml, paramiko, tenacity, typer, rich.console, rich.table, rich.live, httpx, jwt, docker, psycopg, redis, jinja2, numpy, scipy.special, scipy.stats, ruptures, cryptography, argon2
import hypothesis.strategies, xml.etree.ElementTree as ElementTree, docker.utils.build, unittest.mock, concurrent.futures, asyncio, multiprocessing, sqlite3, decimal, statistics, http.server, pty
EXPECT = {m for m in sys.modules if m.split(".")[0] in {"analysis","apis","benchmarks","ci","cli","documents","experiment","lab","provision","tests","toolchain","faults","first"}}
assert EXPECT <= {"faults", "first"}, EXPECT
baseline = [one for one in (HERE / "baseline.failed").read_text().split("\n") if one]
STAMP = int(time.time()) - 20_000_000 + os.getpid() * 3000 % 9_000_000

def git(*a):
    return subprocess.run(["git", *a], check=True, capture_output=True, text=True).stdout

def run(tests, options):
    xml, out = HERE / "last.xml", HERE / "last.out"
    xml.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        fd = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(fd, 1); os.dup2(fd, 2)
        sys.argv = ["pytest"]
        import types; sys.modules["__main__"] = types.ModuleType("__main__")
        try:
            status = pytest.main(["-p", "no:cacheprovider", "-q", "--tb=short", "-m", "not nightly", f"--junitxml={xml}", "--timeout=1500",
                "--ignore=tests/unit/experiment/test_remote_bench.py", "--ignore=tests/unit/analysis/test_browser.py",
                *[f"--deselect={one}" for one in baseline], *options, *tests])
        except BaseException as error:
            print(repr(error)); status = 99
        sys.stdout.flush(); os._exit(int(status))
    _, code = os.waitpid(child, 0)
    text = out.read_text()
    ids = re.findall(r"^(?:FAILED|ERROR) (\S.*?)(?: - (.*))?$", text, re.M)
    found = []
    if xml.exists():
        for case in ElementTree.parse(xml).iter("testcase"):
            for kind in ("failure", "error"):
                for one in case.findall(kind):
                    found.append((f"{case.get('classname')}::{case.get('name')}", kind, (one.get("message") or "").split("\n")[0][:300]))
    return os.waitstatus_to_exitcode(code), found, ids, text.strip().split("\n")[-1]

def plant(one, tests, options):
    global STAMP
    n, area, file, phrase, old, new, _ = one
    assert git("status", "--porcelain", "--untracked-files=no") == "", "not clean"
    path = CLONE / file
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new)); STAMP += 7
    os.utime(path, (STAMP, STAMP))
    (HERE / f"{n}.patch").write_text(git("diff"))
    began, cpu = time.time(), sum(os.times()[2:4])
    try:
        status, found, ids, summary = run(tests, options)
    finally:
        git("checkout", "--", file); STAMP += 7
        os.utime(path, (STAMP, STAMP))
    record = dict(n=n, area=area, file=file, phrase=phrase, tests=tests, status=status, found=found, ids=ids, summary=summary, seconds=round(time.time() - began), cpu=round(sum(os.times()[2:4]) - cpu, 1))
    with (HERE / "results.jsonl").open("a") as f:
        f.write(json.dumps(record) + "\n")
    print(n, file, "NOTICED" if status == 1 else f"status {status}", ids[:1], summary, record["seconds"], record["cpu"], flush=True)

args, extra, options = sys.argv[1:], [], ["-x"]
if "--" in args:
    at = args.index("--"); extra = args[at + 1:]; args = args[:at]
if args[0] == "none":
    print(run(extra, []), flush=True); sys.exit()
done = {json.loads(line)["n"] for line in (HERE / "results.jsonl").read_text().splitlines()} if (HERE / "results.jsonl").exists() else set()
ORDER = {n: i for i, n in enumerate(args)}
for one in sorted(FAULTS, key=lambda one: ORDER.get(one[0], 999)):
    if (args[0] == "all" and one[0] not in done) or one[0] in args:
        plant(one, extra or FIRST[one[0]], options)
print("END", flush=True)
