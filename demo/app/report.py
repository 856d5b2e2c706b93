"""The demo's application: asks the assistant questions and prints a table. It imports what the contour's PyPI mirror gave it.

    report.py URL TOKEN-FILE QUESTION..."""

import json
import sys
import urllib.request
from pathlib import Path

import tabulate


def ask(url, token, question):
    body = json.dumps({"model": "assistant", "messages": [{"role": "user", "content": question}]}).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"{url}/v1/chat/completions", body, headers)) as reply:
        return json.load(reply)["choices"][0]["message"]["content"], reply.headers["Airlock-Release"]


def main(url, token_file, *questions):
    token = Path(token_file).read_text().strip()
    rows = [(question, *ask(url, token, question)) for question in questions]
    print(tabulate.tabulate([(q, a, release[:19] + "…") for q, a, release in rows], ["question", "answer", "release"], "grid", maxcolwidths=[24, 40, None]))


if __name__ == "__main__":
    main(*sys.argv[1:])
