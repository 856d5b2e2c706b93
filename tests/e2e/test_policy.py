"""A policy is changed by two people, and what is in force is what was signed last."""

import json

from world import world  # noqa: F401  (a fixture)


def set_policy(world, text, *people, **options):
    file = world.folder / "new.yaml"
    file.write_text(text)
    secret = world.folder / "desk" / "passphrase"
    keys = [word for person in people for word in ("--key", world.keys[person], "--passphrase-file", secret)]
    return world.run("policy", "set", file, *keys, **options)


def stricter(world):
    return (world.contour / "policy.yaml").read_text().replace("scan-max-age: 30d", "scan-max-age: 7d")


def test_two_people_set_a_policy_and_are_named(world):
    world.make_contour()
    world.people()
    before = world.run("policy", "show", json=True).json
    assert before["people"] == [] and "# set by init" in world.run("policy", "show").out

    done = set_policy(world, stricter(world), "pavel", "sofia", json=True).json

    assert done["before"] == before["policy"] != done["policy"]
    shown = world.run("policy", "show", json=True).json
    assert shown["policy"] == done["policy"] and "scan-max-age: 7d" in shown["text"]
    assert [(p["person"], p["role"]) for p in shown["people"]] == [("pavel", "product-owner"), ("sofia", "security-officer")]
    entry = json.loads([line for line in world.run("log", json=True).out.splitlines() if "policy-set" in line][-1])["entry"]
    assert entry["people"] == ["pavel", "sofia"] and entry["before"] == before["policy"] and entry["policy"] == done["policy"]
    world.fsck()


def test_one_person_or_the_wrong_two_set_none(world):
    world.make_contour()
    world.people(ines="engineer", pavel="product-owner", paula="product-owner", sofia="security-officer")
    text = stricter(world)

    assert "two people" in set_policy(world, text, "sofia", "sofia", status=5).err
    assert "security officer" in set_policy(world, text, "pavel", "paula", status=5).err
    assert "ines can set no policy" in set_policy(world, text, "sofia", "ines", status=5).err
    set_policy(world, text, "sofia", status=2)
    weak = set_policy(world, text.replace("[station-signature, provenance, sbom, scan]", "[provenance]"), "sofia", "pavel", status=3)
    assert "new.yaml:" in weak.err and "must ask for" in weak.err

    assert "scan-max-age: 7d" not in world.run("policy", "show").out


def test_what_is_refused_is_named_with_the_line_of_its_value(world):
    world.make_contour()
    world.people()
    lines = stricter(world).splitlines()
    at = max(i for i, line in enumerate(lines) if "scan-max-age" in line)
    for value, why in (("soon", "no length of time"), ("99999d", "at most 366d")):
        lines[at] = f"    scan-max-age: {value}"
        refused = set_policy(world, "\n".join(lines), "pavel", "sofia", status=3).err
        assert f"new.yaml:{at + 1}: scan-max-age: " in refused and why in refused


def test_a_file_that_was_not_yet_written_is_completed(world):
    """As a crash between the commit and the file leaves it."""
    world.make_contour()
    world.people()
    old = {name: (world.contour / name).read_bytes() for name in ("policy.yaml", "policy.yaml.sig")}
    set_policy(world, stricter(world), "pavel", "sofia")
    for name, content in old.items():
        (world.contour / name).write_bytes(content)

    assert "scan-max-age: 7d" in world.run("policy", "show").out

    (world.contour / "policy.yaml").write_bytes(old["policy.yaml"] + b"# mine\n")
    refused = world.run("policy", "show", status=5)
    assert "airlock policy set" in refused.err
