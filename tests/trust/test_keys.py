"""Keys: what ssh-keygen writes is read, what is made here ssh-keygen reads, and every refusal has its sentence."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gatecheck.text.diagnostic import Diagnostic, InputError
from gatecheck.trust.key import key_from_text, load_key, load_or_make_key

_MAKE = "make one with `ssh-keygen -t ed25519 -N '' -f FILE`"


def keygen(*arguments: str) -> str:
    return subprocess.run(["ssh-keygen", *arguments], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "id"
    keygen("-q", "-t", "ed25519", "-N", "", "-C", "a comment", "-f", str(path))
    return path


def refusal(raised: pytest.ExceptionInfo[InputError]) -> Diagnostic:
    (diagnostic,) = raised.value.diagnostics
    return diagnostic


def test_a_key_of_ssh_keygen_is_read(key_file: Path) -> None:
    key = load_key(key_file)
    assert key.fingerprint == keygen("-l", "-f", str(key_file)).split()[1]
    assert key.public_line == " ".join(key_file.with_suffix(".pub").read_text().split()[:2])
    assert repr(key) == f"SigningKey({key.fingerprint})"


@pytest.mark.parametrize("mangle", [
    lambda text: text.rstrip("\n"),
    lambda text: text.replace("\n", "\r\n"),
    lambda text: "\n  " + text + "\n\n",
    lambda text: text.replace("\n", " "),
], ids=["no final line end", "CRLF", "surrounded", "one line"])  # fmt: skip
def test_a_key_from_an_environment_variable_survives_what_secrets_stores_do(key_file: Path, mangle: object) -> None:
    text = mangle(key_file.read_text())  # type: ignore[operator]
    assert key_from_text(text, "$GATECHECK_KEY").fingerprint == load_key(key_file).fingerprint


def test_a_made_key_is_one_that_ssh_keygen_reads(tmp_path: Path) -> None:
    path = tmp_path / "new" / "key"
    key, made = load_or_make_key(path)
    assert made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert keygen("-l", "-f", str(path)).split()[1] == key.fingerprint
    assert keygen("-y", "-f", str(path)).split()[:2] == key.public_line.split()
    assert path.with_suffix(".pub").read_text() == f"{key.public_line} gatecheck\n"
    assert sorted(p.name for p in path.parent.iterdir()) == ["key", "key.pub"]
    again, made = load_or_make_key(path)
    assert (again.fingerprint, made) == (key.fingerprint, False)


def test_processes_that_arrive_at_once_share_one_key(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "key"
    code = (
        "import sys, pathlib; from gatecheck.trust.key import load_or_make_key;"
        "key, made = load_or_make_key(pathlib.Path(sys.argv[1])); print(key.fingerprint, made)"
    )
    command = [sys.executable, "-c", code, str(path)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(6)]
    lines = [process.communicate()[0].split() for process in processes]
    assert len({fingerprint for fingerprint, _ in lines}) == 1
    assert sorted(made for _, made in lines) == ["False"] * 5 + ["True"]


def test_a_key_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "folder" / "key"
    with pytest.raises(InputError) as raised:
        load_or_make_key(path)
    assert refusal(raised) == Diagnostic("GC707", "a signing key can't be made here: not a directory", file=str(path))


def test_a_missing_key_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        load_key(tmp_path / "none")
    expected = Diagnostic("GC701", "there is no such key file", file=str(tmp_path / "none"), hint=_MAKE)
    assert refusal(raised) == expected


def test_a_directory_is_not_a_key(tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        load_key(tmp_path)
    assert refusal(raised) == Diagnostic("GC701", "the key can't be read: is a directory", file=str(tmp_path))


def test_a_public_key_is_not_enough(key_file: Path) -> None:
    path = key_file.with_suffix(".pub")
    with pytest.raises(InputError) as raised:
        load_key(path)
    hint = "name the file without `.pub`"
    assert refusal(raised) == Diagnostic(
        "GC702", "this is a public key; signing needs the private one", file=str(path), hint=hint
    )


def test_an_encrypted_key_is_refused(key_file: Path) -> None:
    keygen("-p", "-q", "-f", str(key_file), "-N", "secret words")
    with pytest.raises(InputError) as raised:
        load_key(key_file)
    hint = "remove its passphrase with `ssh-keygen -p`, or use a key without one"
    assert refusal(raised) == Diagnostic("GC703", "this private key is encrypted", file=str(key_file), hint=hint)


@pytest.mark.parametrize(("kind", "name"), [("rsa", "ssh-rsa"), ("ecdsa", "ecdsa-sha2-nistp256")])
def test_another_kind_of_key_is_refused_by_name(tmp_path: Path, kind: str, name: str) -> None:
    path = tmp_path / "id"
    keygen("-q", "-t", kind, "-N", "", "-f", str(path))
    with pytest.raises(InputError) as raised:
        load_key(path)
    assert refusal(raised) == Diagnostic("GC704", f"this is a `{name}` key, not ed25519", file=str(path), hint=_MAKE)


def test_a_key_open_to_others_is_refused_as_ssh_does(key_file: Path) -> None:
    key_file.chmod(0o640)
    with pytest.raises(InputError) as raised:
        load_key(key_file)
    hint = f"`chmod 600 {key_file}`; if others could read it, make a new key"
    message = "the key file is open to other users (mode 0640)"
    assert refusal(raised) == Diagnostic("GC705", message, file=str(key_file), hint=hint)
    ssh = subprocess.run(["ssh-keygen", "-y", "-f", str(key_file)], capture_output=True, text=True)
    assert ssh.returncode != 0
    assert "too open" in ssh.stderr


@pytest.mark.parametrize(("text", "message"), [
    ("", "the key is empty"),
    ("hello", "this is not an OpenSSH private key: it has no `-----BEGIN OPENSSH PRIVATE KEY-----` and "
     "`-----END OPENSSH PRIVATE KEY-----` around it"),
    ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "this private key is not in OpenSSH's form"),
    ("-----BEGIN OPENSSH PRIVATE KEY-----\n!!\n-----END OPENSSH PRIVATE KEY-----\n",
     "this is not an OpenSSH private key: its base64 is damaged"),
    ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
     "this is not an OpenSSH private key: it is not an `openssh-key-v1` container"),
    ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU=\n-----END OPENSSH PRIVATE KEY-----\n",
     "this is not an OpenSSH private key: it is cut short"),
])  # fmt: skip
def test_garbage_is_named(text: str, message: str) -> None:
    with pytest.raises(InputError) as raised:
        key_from_text(text, "$GATECHECK_KEY")
    assert refusal(raised) == Diagnostic("GC706", message, file="$GATECHECK_KEY", hint=_MAKE)


def test_a_flipped_byte_anywhere_never_gives_another_key(key_file: Path) -> None:
    from gatecheck.trust import openssh

    right = load_key(key_file).fingerprint
    data = openssh.disarm(openssh.PRIVATE, key_file.read_text())
    for place in range(len(data)):
        damaged = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        try:
            key = key_from_text(openssh.armour(openssh.PRIVATE, damaged), "k")
        except InputError:
            continue
        assert key.fingerprint == right  # only the comment, which nothing reads


def test_a_key_that_another_user_lends_need_not_be_closed(key_file: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give a file to another user")
    key_file.chmod(0o440)
    os.chown(key_file, 12345, 12345)
    assert load_key(key_file).public_line.startswith("ssh-ed25519 ")
