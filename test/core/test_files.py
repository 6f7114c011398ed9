# SPDX-License-Identifier: Apache-2.0
import pytest

from restoregan_core.files import atomic_write, remove, temporary_names


@pytest.mark.parametrize("options", [{}, {"keep_suffix": True}, {"durable": True}, {"is_shared": True}])
def test_a_file_appears_when_it_is_whole(tmp_path, options):
    path = tmp_path / "report.json"
    path.write_text("old")
    with atomic_write(path, **options) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.parent == tmp_path, "on the same disk, or it could not be put in place in one step"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def break_off(path):
    with atomic_write(path) as temporary:
        temporary.write_text("half")
        raise OSError("the disk is full")


def test_what_fails_leaves_everything_as_it_was(tmp_path):
    path = tmp_path / "report.json"
    path.write_text("old")
    with pytest.raises(OSError, match="disk"):
        break_off(path)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("report.json", "old")]


def test_processes_that_write_one_file_at_once_do_not_touch_each_others(tmp_path, monkeypatch):
    path = tmp_path / "network.engine"
    with atomic_write(path, is_shared=True) as first:
        first.write_text("first")
        monkeypatch.setattr("os.getpid", lambda: 1)
        with atomic_write(path, is_shared=True) as second:
            second.write_text("second")
        assert (path.read_text(), first.read_text()) == ("second", "first")
    assert [file.read_text() for file in tmp_path.iterdir()] == ["first"]


def test_a_writer_that_goes_by_the_suffix_finds_it_and_others_do_not(tmp_path):
    with atomic_write(tmp_path / "frame.png", keep_suffix=True) as temporary:
        assert temporary.suffix == ".png"
        temporary.touch()
    with atomic_write(tmp_path / "frame.png") as temporary:
        assert temporary.suffix == ".part"
        temporary.touch()


@pytest.mark.parametrize("keep_suffix", [False, True])
def test_nothing_is_written_through_a_link(tmp_path, keep_suffix):
    """Neither one in the file's place nor one in the temporary's, which somebody may have put into a shared folder."""
    elsewhere, file = tmp_path / "elsewhere", tmp_path / "report.json"
    elsewhere.write_text("untouched")
    file.symlink_to(elsewhere)
    temporary_names(file)[keep_suffix].symlink_to(elsewhere)
    with atomic_write(file, keep_suffix=keep_suffix) as temporary:
        temporary.write_text("new")
    assert elsewhere.read_text() == "untouched"
    assert file.read_text() == "new"
    assert not file.is_symlink()


def test_what_is_removed_goes_with_all_that_is_in_it_but_not_what_a_link_leads_to(tmp_path):
    kept = tmp_path / "kept" / "file"
    kept.parent.mkdir()
    kept.touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link").symlink_to(kept.parent)
    (tmp_path / "link").symlink_to(kept.parent)
    (tmp_path / "file").touch()
    for name in ("folder", "link", "file", "nothing"):
        remove(tmp_path / name)
    assert list(tmp_path.iterdir()) == [kept.parent]
    assert kept.exists()
