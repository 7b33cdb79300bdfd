"""plant.py [NN …]: plants each fault, runs the tests that ought to notice, writes results.jsonl and NN.patch, undoes it."""
import json, os, re, subprocess, sys, time
from pathlib import Path
from xml.etree import ElementTree
sys.path.insert(0, "W/help/planted")
from faults import FAULTS
from first import FIRST
HERE, CLONE, VENV = Path("W/help/planted"), Path("W/planted"), Path("W/help/venv-planted")
RESULTS = HERE / "results.jsonl"
ENV = {**os.environ, "DOCKER_HOST": "unix:///nowhere/docker.sock", "PYTHONDONTWRITEBYTECODE": "1",
       "PATH": f"{VENV}/bin:/usr/local/go/bin:/usr/bin:/bin:/usr/sbin:/sbin", "COLUMNS": "300", "GOFLAGS": "-p=1", "GOMAXPROCS": "1"}
PREFIX = ["chrt", "-i", "0", "nice", "-n", "19", "ionice", "-c3"]
STAMP = [int(time.time()) - 10_000_000]

def git(*a):
    return subprocess.run(["git", "-C", str(CLONE), *a], check=True, capture_output=True, text=True).stdout

def pytest(tests, *options):
    xml = HERE / "last.xml"
    xml.unlink(missing_ok=True)
    baseline = (HERE / "baseline.failed").read_text().split("\n") if (HERE / "baseline.failed").exists() else []
    deselect = [f"--deselect={one}" for one in baseline if one]
    done = subprocess.run([*PREFIX, f"{VENV}/bin/python", "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly", "-q", "--tb=short",
        "-m", "not nightly", f"--junitxml={xml}", "--ignore=tests/unit/toolchain/test_docker_engine.py", "--ignore=tests/unit/experiment/test_remote_bench.py", "--ignore=tests/unit/analysis/test_browser.py",
        *deselect, *options, *tests], cwd=CLONE, env=ENV, capture_output=True, text=True)
    (HERE / "last.out").write_text(done.stdout + done.stderr)
    found = []
    if xml.exists():
        for case in ElementTree.parse(xml).iter("testcase"):
            for kind in ("failure", "error"):
                for one in case.findall(kind):
                    found.append((f"{case.get('classname')}::{case.get('name')}", kind, (one.get("message") or "").split("\n")[0][:300]))
    ids = re.findall(r"^(?:FAILED|ERROR) (\S.*?)(?: - (.*))?$", done.stdout, re.M)
    summary = done.stdout.strip().split("\n")[-1]
    return done.returncode, found, ids, summary

def plant(one, extra=()):
    n, area, file, phrase, old, new, tests = one
    assert git("status", "--porcelain", "--untracked-files=no") == "", "not clean"
    path = CLONE / file
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    STAMP[0] += 7
    os.utime(path, (STAMP[0], STAMP[0]))
    (HERE / f"{n}.patch").write_text(git("diff"))
    began = time.time()
    try:
        status, found, ids, summary = pytest(extra or tests, "-x")
    finally:
        git("checkout", "--", file)
        os.utime(path, (STAMP[0] + 3, STAMP[0] + 3))
    STAMP[0] += 7
    record = dict(n=n, area=area, file=file, phrase=phrase, tests=list(extra or tests), status=status, found=found, ids=ids, summary=summary, seconds=round(time.time() - began))
    with RESULTS.open("a") as f:
        f.write(json.dumps(record) + "\n")
    print(n, file, "NOTICED" if status == 1 else f"status {status}", ids[:1], summary, record["seconds"], flush=True)

if __name__ == "__main__":
    if sys.argv[1] == "baseline":
        status, found, ids, summary = pytest(sys.argv[2:] or ["tests/unit"])
        print(status, summary, *ids, sep="\n")
    else:
        extra = []
        if "--" in sys.argv:
            at = sys.argv.index("--"); extra = sys.argv[at + 1:]; sys.argv = sys.argv[:at]
        for one in FAULTS:
            if sys.argv[1] == "all" or one[0] in sys.argv[1:]:
                plant(one, extra or FIRST[one[0]])
