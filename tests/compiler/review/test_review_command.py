"""`syncline diff` and `review` as a reviewer meets them: git, folders, approvals, budgets, forms and exit codes."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from syncline_compiler.cli_review import ci, diff, review
from syncline_compiler.project import create_project
from syncline_compiler.review.against import TARGETS


class Repository:
    """A project in git, one commit old."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "shop"
        create_project(self.root)
        shutil.rmtree(self.root / "scenarios")  # it expects what the owner says
        for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "first"]):
            self.git(*words)

    def git(self, *words: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", str(self.root), *who, *words], check=True, capture_output=True)

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.root / path
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new, 1))

    def review(self, *words: str) -> Result:
        return CliRunner().invoke(review, ["--project", str(self.root), "--today", "2026-11-22", *words])

    def diff(self, *words: str) -> Result:
        return CliRunner().invoke(diff, ["--project", str(self.root), *words])

    def document(self, *words: str) -> dict[str, object]:
        return json.loads(self.review("--format", "json", *words).stdout)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    for name in TARGETS:
        monkeypatch.delenv(name, raising=False)  # of the build that runs the tests
    return Repository(tmp_path)


def owner_moves(shop: Repository) -> None:
    shop.edit("syncs/account.yaml", "  credit_limit: erp", "  name: erp\n  credit_limit: erp")


def test_nothing_changed(shop: Repository) -> None:
    done = shop.diff("--against", "HEAD", "--exit-code")
    assert (done.exit_code, done.stdout.splitlines()[0]) == (0, "my_company against HEAD: nothing changed"), done.output
    assert shop.review().exit_code == 0  # main itself: the working tree against its last commit


def test_the_merge_base_is_what_a_branch_is_compared_with(shop: Repository) -> None:
    shop.git("checkout", "-q", "-b", "feature")
    owner_moves(shop)
    shop.git("commit", "-q", "-a", "-m", "second")
    assert "owner-changed" in shop.diff().stdout
    assert shop.diff("--exit-code").exit_code == 3
    assert "nothing changed" in shop.diff("--against", "HEAD").stdout


def test_what_moves_an_owner_waits_for_an_agreement(shop: Repository) -> None:
    owner_moves(shop)
    found = shop.document()
    assert (found["exit_code"], found["totals"]) == (3, {"ownership-moving": 1})
    (change,) = found["changes"]  # type: ignore[misc]
    assert (change["standing"], change["before"], change["after"]) == ("needed", "crm", "erp")
    refused = shop.review("--approve", change["fingerprint"])
    assert (refused.exit_code, "--reason" in refused.output) == (2, True)
    words = ["--approve", change["fingerprint"], "--by", "Ada", "--reason", "the ERP owns it", "--until", "2027-01-31"]
    assert shop.review(*words).exit_code == 0
    assert shop.document()["changes"][0]["standing"] == "given"  # type: ignore[index]
    late = CliRunner().invoke(review, ["--project", str(shop.root), "--today", "2027-02-01"])
    assert late.exit_code == 3
    assert "was agreed to by Ada until 2027-01-31" in late.output
    shop.edit("syncs/account.yaml", "  name: erp", "  status: erp")
    assert shop.document()["exit_code"] == 3  # another finding, of which nobody has heard


def test_a_fork_cannot_agree_for_others(shop: Repository) -> None:
    owner_moves(shop)
    fingerprint = shop.document()["changes"][0]["fingerprint"]  # type: ignore[index]
    assert shop.review("--approve", fingerprint, "--reason", "mine", "--until", "2027-01-31").exit_code == 0
    assert shop.review("--trust-base").exit_code == 3


def test_what_was_withdrawn_since_the_fork_counts_no_more(shop: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a request left its branch an approval stood and no budget; by now the branch has taken the one back and set the other."""
    owner_moves(shop)
    fingerprint = shop.document()["changes"][0]["fingerprint"]  # type: ignore[index]
    assert shop.review("--approve", fingerprint, "--reason", "mine", "--until", "2027-01-31").exit_code == 0
    shop.git("stash", "-q")
    shop.git("add", "syncline.approvals")
    shop.git("commit", "-q", "-m", "agreed")
    shop.git("checkout", "-q", "-b", "feature")
    shop.git("stash", "pop", "-q")
    shop.git("commit", "-q", "-a", "-m", "the owner moves")
    assert shop.review("--trust-base").exit_code == 0
    shop.git("checkout", "-q", "main")
    (shop.root / "syncline.approvals").write_text("[]\n")
    shop.git("commit", "-q", "-a", "-m", "taken back")
    shop.git("checkout", "-q", "feature")
    assert shop.review().exit_code == 0
    assert shop.review("--trust-base").exit_code == 3
    shop.git("checkout", "-q", "main")
    shop.edit("syncline.yaml", "environments:", "review: {fail_if: breaking > 0}\nenvironments:")
    shop.git("commit", "-q", "-a", "-m", "a budget")
    shop.git("checkout", "-q", "feature")
    told = shop.review("--trust-base", "--format", "json")
    assert (told.exit_code, json.loads(told.stdout)["totals"]) == (
        1,
        {"ownership-moving": 1},
    )  # against the merge base still
    monkeypatch.setenv("GITHUB_BASE_REF", "main")
    lost = shop.review("--trust-base", "--against", "HEAD~1")
    assert (lost.exit_code, "git fetch origin +refs/heads/main:refs/remotes/origin/main" in lost.output) == (2, True)
    shop.git("update-ref", "refs/remotes/origin/main", "main")
    assert shop.review("--trust-base", "--against", "HEAD~1").exit_code == 1


def test_a_fork_is_held_to_the_policies_of_the_branch_as_it_is_now(shop: Repository) -> None:
    """The branch asks for more since the request left it: of what the request brings, and not of what stood there before."""
    shop.edit("objects/account.yaml", ", label: Country", "")
    shop.git("commit", "-q", "-a", "-m", "no label")
    shop.git("checkout", "-q", "-b", "feature")
    shop.edit("objects/account.yaml", "fields:\n", 'fields:\n  nickname: {type: "text(20)?"}\n')
    shop.git("commit", "-q", "-a", "-m", "a field")
    shop.git("checkout", "-q", "main")
    rule = "{select: fields, require: label is not null, message: '`{object}.{name}` has no label', severity: error}"
    (shop.root / "policies").mkdir()
    (shop.root / "policies/labels.yaml").write_text(
        f"policy: labels\nversion: 1.0.0\nlabel: Labels\nrules:\n  labelled: {rule}\n"
    )
    shop.git("add", "-A")
    shop.git("commit", "-q", "-m", "fields have labels")
    shop.git("checkout", "-q", "feature")
    assert "labels.labelled" not in shop.review().output
    told = shop.review("--trust-base")
    assert (told.exit_code, told.output.count("labels.labelled")) == (1, 1), told.output
    assert "`account.nickname` has no label" in told.output
    shop.git("checkout", "-q", "main")
    shop.edit("policies/labels.yaml", "label is not null", "labell is not null")
    shop.git("commit", "-q", "-a", "-m", "a slip")
    shop.git("checkout", "-q", "feature")
    assert (
        "main has 1 error: its policies are asked as far as they are understood" in shop.review("--trust-base").output
    )


def test_a_fork_is_held_to_the_severities_of_the_branch_as_it_is_now(shop: Repository) -> None:
    """The branch takes a check for an error since the request left it, and the request takes it for nothing."""
    spare = "codes: spare\nversion: 1.0.0\nlabel: Spare\nfor: account.status\nrows: {A: active}\n"
    (shop.root / "codes/spare.yaml").write_text(spare)
    shop.git("add", "-A")
    shop.git("commit", "-q", "-m", "a table that nothing uses")
    shop.git("checkout", "-q", "-b", "feature")
    (shop.root / "codes/unused.yaml").write_text(spare.replace("codes: spare", "codes: unused"))
    shop.edit("syncline.yaml", "environments:", "rules: {SYN0932: off}\nenvironments:")
    shop.git("add", "-A")
    shop.git("commit", "-q", "-m", "another")
    assert shop.document()["diagnostics"] == []
    shop.git("checkout", "-q", "main")
    shop.edit("syncline.yaml", "environments:", "rules: {SYN0932: error}\nenvironments:")
    shop.git("commit", "-q", "-a", "-m", "nothing unused")
    shop.git("checkout", "-q", "feature")
    told = shop.review("--trust-base", "--format", "json")
    found = [(one["code"], one["severity"], Path(one["file"]).name) for one in json.loads(told.stdout)["diagnostics"]]
    assert (told.exit_code, found) == (1, [("SYN0932", "error", "unused.yaml")]), told.output
    shop.edit("syncline.yaml", "rules: {SYN0932: off}\n", "")
    shop.git("commit", "-q", "-a", "-m", "as it comes")
    assert shop.review("--trust-base").output.count("nothing uses the code table `unused`") == 1


def test_approvals_behind_a_link_are_not_read(shop: Repository, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("[]")
    (shop.root / "syncline.approvals").symlink_to(tmp_path / "elsewhere")
    refused = shop.review()
    assert (refused.exit_code, "this is a link" in refused.output) == (2, True), refused.output


def test_budgets_of_the_specs_and_of_the_command(shop: Repository) -> None:
    owner_moves(shop)
    assert "breaking > 0: 1" in shop.review("--fail-if", "breaking > 0").output
    assert shop.review("--fail-if", "breaking > 0").exit_code == 1
    assert shop.review("--fail-if", "breaking > 1").exit_code == 3
    assert "not known without --data" in shop.review("--fail-if", "rewrites > 2%").output
    assert shop.review("--fail-if", "wonders > 1").exit_code == 2
    assert "'wonders > 1': a budget is expected" in shop.review("--fail-if", "wonders > 1").output
    shop.edit("syncline.yaml", "environments:", "review: {fail_if: breaking > 0}\nenvironments:")
    assert shop.review().exit_code == 1
    assert shop.review("--trust-base").exit_code == 3


def test_a_request_that_takes_its_own_guards_away_is_told(shop: Repository) -> None:
    shop.edit("syncline.yaml", "environments:", "review: {fail_if: breaking > 0}\nenvironments:")
    shop.git("commit", "-qam", "a budget")
    shop.edit("syncline.yaml", "review: {fail_if: breaking > 0}\n", "")
    told = shop.review()
    assert (told.exit_code, "breaking [budget-removed]" in told.output) == (3, True), told.output
    assert shop.review("--trust-base").exit_code == 1  # the budget that goes still counts, and its going is breaking


def test_a_project_whose_other_side_cannot_be_read_is_reviewed(shop: Repository) -> None:
    good = (shop.root / "syncline.yaml").read_text()
    (shop.root / "syncline.yaml").write_text("syncline: [\n")
    shop.git("commit", "-qam", "broken")
    (shop.root / "syncline.yaml").write_text(good)
    told = shop.review()
    assert "it is compared as far as it is understood" in told.output
    assert told.exit_code in (0, 3), told.output


def test_what_changes_nothing_keeps_budgets_of_data_without_data(shop: Repository) -> None:
    done = shop.review("--fail-if", "deletes > 0")
    assert (done.exit_code, "deletes > 0: kept (0)" in done.output) == (0, True), done.output


def test_an_environment_that_moves_is_a_change_and_no_secret_is_told(shop: Repository) -> None:
    shop.edit(
        "syncline.yaml",
        "erp: {stand_in: true}",
        "erp: {origin: 'https://u:hush@erp.example.net', credential: {key: hush}}",
    )
    told = shop.review().output
    assert "a stand-in → https://…@erp.example.net" in told
    assert "nothing → key written out" in told
    assert "hush" not in told


def test_mistakes_are_part_of_the_review(shop: Repository) -> None:
    shop.edit("mappings/crm_account.map", "| email", "| emial")
    found = shop.document()
    assert found["exit_code"] == 1
    assert [one["code"] for one in found["diagnostics"]] == ["SYN0303"]  # type: ignore[index, union-attr]


def test_warnings_that_stood_before_are_not_told_again(shop: Repository, tmp_path: Path) -> None:
    """They are counted where people are shown what a change brings, and marked where everything is."""
    spare = "codes: spare\nversion: 1.0.0\nlabel: Spare\nfor: account.status\nrows: {A: active}\n"
    (shop.root / "codes/spare.yaml").write_text(spare)
    shop.git("add", "-A")
    shop.git("commit", "-q", "-m", "a table that nothing uses")
    (shop.root / "codes/spare.yaml").write_text(f"# a line more\n{spare}")
    (shop.root / "codes/unused.yaml").write_text(spare.replace("codes: spare", "codes: unused"))
    comment = tmp_path / "comment.md"
    told = shop.review("--format", f"markdown={comment}", "--format", "github", "--format", "text").stdout
    shown = comment.read_text()
    assert "*1 warning stood before this change: see `syncline check`.*" in shown
    assert "0 errors, 1 new warning in the specs" in shown
    assert ("codes/unused.yaml" in shown, "codes/spare.yaml" in shown) == (True, False)
    beside = [line for line in told.splitlines() if line.startswith("::warning")]
    assert [line.partition(",")[0].rpartition("/")[2] for line in beside] == ["unused.yaml"]
    assert "warnings that stood before\n  SYN0932" in told
    found = shop.document()["diagnostics"]
    marked = {Path(one["file"]).name: one["stood_before"] for one in found}  # type: ignore[attr-defined]
    assert marked == {"spare.yaml": True, "unused.yaml": False}


@pytest.mark.parametrize(
    ("against", "says"),
    [
        ("nowhere", "no revision that git knows"),
        ("--upload-pack=touch x", "no revision that git knows"),
        ("HEAD:objects", "no revision that git knows"),
    ],
)
def test_what_is_nothing_to_compare_with(shop: Repository, against: str, says: str) -> None:
    done = shop.diff(f"--against={against}")
    assert (done.exit_code, says in done.output) == (2, True), done.output


def test_folders(shop: Repository, tmp_path: Path) -> None:
    other = tmp_path / "other"
    create_project(other)
    shutil.rmtree(other / "scenarios")
    assert "nothing changed" in shop.diff("--against", str(other)).stdout
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "neither syncline.yaml nor release.json" in shop.diff("--against", str(empty)).output


def test_extracts_are_looked_at(shop: Repository, tmp_path: Path) -> None:
    extracts = tmp_path / "extracts"
    extracts.mkdir()
    lines = [f"{number},Name {number},{number}@x.example,GB,Open,{number}00,GBP" for number in range(1, 6)]
    head = "id,name,email,country,status,credit_limit,currency"
    (extracts / "crm.Account.csv").write_text("\n".join([head, *lines]) + "\n")
    shop.edit("mappings/crm_account.map", "name         <-> name", "name         <- name | upper")
    words = ["--data", str(extracts), "--fail-if", "rewrites > 10%", "--no-scenarios"]
    found = shop.document(*words)
    members = {one["connection"]: one for one in found["data"]["members"]}  # type: ignore[index, call-overload]
    assert (members["erp"]["known"], members["erp"]["written"]) == (5, 5)
    assert found["budgets"] == [{"fail_if": "rewrites > 10%", "found": 50.0, "kept": False}]
    assert shop.review("--data", str(tmp_path / "nowhere")).exit_code == 2
    assert "holds no extracts" in shop.review("--data", str(tmp_path)).output


def test_a_state_of_an_environment_that_is_not_there(shop: Repository, tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").touch()
    refused = shop.review("--data", str(tmp_path), "--env", "nowhere", "--no-scenarios")
    said = "--env nowhere: there is no such environment before the change and after it; both sides have: sandbox"
    assert (refused.exit_code, said in refused.output) == (2, True), refused.output
    shop.edit("syncline.yaml", "  sandbox:", "  elsewhere:")
    gone = shop.review("--data", str(tmp_path), "--env", "sandbox", "--no-scenarios")
    said = "--env sandbox: there is no such environment after it; both sides have: none"
    assert (gone.exit_code, said in gone.output) == (2, True), gone.output


def test_forms_in_one_run(shop: Repository, tmp_path: Path) -> None:
    owner_moves(shop)
    files = {form: tmp_path / f"review.{form}" for form in ("markdown", "sarif", "junit", "json", "gitlab")}
    words = [word for form, file in files.items() for word in ("--format", f"{form}={file}")]
    done = shop.review(*words, "--format", "github")
    assert done.stdout.startswith("::warning file=")
    assert files["markdown"].read_text().startswith("<!-- syncline review -->\n")
    results = json.loads(files["sarif"].read_text())["runs"][0]["results"]
    assert [one["ruleId"] for one in results] == ["owner-changed"]
    suites = ET.fromstring(files["junit"].read_text())
    assert {suite.get("name"): suite.get("failures") for suite in suites}["changes"] == "1"
    assert json.loads(files["gitlab"].read_text())[0]["location"]["path"].endswith("syncs/account.yaml")
    assert shop.review("--format", "pdf").exit_code == 2


def test_scenarios_that_come_out_otherwise_are_results_for_code_scanning(tmp_path: Path, shop: Repository) -> None:
    create_project(tmp_path / "whole")
    shutil.copytree(tmp_path / "whole/scenarios", shop.root / "scenarios")
    owner_moves(shop)
    (run,) = json.loads(shop.review("--format", "sarif").stdout)["runs"]
    assert "scenario" in {one["ruleId"] for one in run["results"]}


def test_everything_in_one_look(shop: Repository) -> None:
    def look() -> Result:
        return CliRunner().invoke(ci, ["--project", str(shop.root)])

    assert look().exit_code == 0
    shop.edit("syncs/account.yaml", "members: {crm: crm.Account,", "members: {crm:   crm.Account,")
    told = look()
    assert (told.exit_code, "not in the one format: syncs/account.yaml" in told.output) == (1, True), told.output
