#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# zenoh gives one answer where three answer: replies under one key are consolidated, with target=ALL, too.
#
# Versions:  eclipse-zenoh 1.10.2.
# Guess:     get() gives every reply; at the least where QueryTarget.ALL asks all that can answer.
# Seen:      three queryables answer "camera/status" under that key: get() gives one, of no particular node, with
#            QueryTarget.ALL as well. ConsolidationMode.NONE gives all three. Under a key for each, three come.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check eclipse-zenoh==1.10.2
cat > "$work/ask.py" <<'P'
import zenoh

ALONE = '{mode: "peer", listen: {endpoints: []}, scouting: {multicast: {enabled: false}, gossip: {enabled: false}}}'


def answers(session, selector, **options):
    found = sorted(reply.ok.payload.to_string() for reply in session.get(selector, **options))
    print(f"{selector} {', '.join(str(option) for option in options.values())}: {found}")
    return found


def declare(session, number, key):
    return session.declare_queryable(key, lambda query: query.reply(key, f"node {number}"))


ALL, NONE = zenoh.QueryTarget.ALL, zenoh.ConsolidationMode.NONE
NODES = ["node 0", "node 1", "node 2"]
with zenoh.open(zenoh.Config.from_json5(ALONE)) as session:
    queryables = [declare(session, number, "camera/status") for number in range(3)]
    assert len(answers(session, "camera/status")) == 1
    assert len(answers(session, "camera/status", target=ALL)) == 1
    assert answers(session, "camera/status", consolidation=NONE) == NODES
    for queryable in queryables:
        queryable.undeclare()
    queryables = [declare(session, number, f"camera/{number}/status") for number in range(3)]
    assert answers(session, "camera/*/status") == NODES
P
"$work/venv/bin/python" "$work/ask.py"
