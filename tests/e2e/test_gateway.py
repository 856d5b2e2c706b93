"""`airlock serve` and `airlock ask`, with a real contour and a stand-in engine in its box."""

import json
import os
import signal
import socket
import stat
import subprocess
import threading
import time

from conftest import ROOT, wait_for
from served import made, needs, serve, served  # noqa: F401  (fixtures)


def schema_of(name):
    return json.loads((ROOT / "docs/formats" / f"{name}.schema.json").read_text())


def assert_shape(document, name):
    """Every member is known, every needed one is there."""
    schema = schema_of(name)
    assert set(document) <= set(schema["properties"]), document
    assert set(schema["required"]) <= set(document), document


def test_ask_streams_the_answer_of_the_release(served):
    asked = served.world.run("ask", "The sky is")
    assert asked.out.startswith("The sky is [system:")
    assert asked.out.endswith("BLUE\n")


def test_ask_json_names_the_release_and_counts_the_tokens(served):
    answer = served.world.run("ask", "The sky is", json=True).json
    assert_shape(answer, "ask")
    assert answer["release"] == served.digest and answer["version"] == "v1.0.0"
    assert answer["tokens_out"] == 5
    record = served.record(lambda r: r.get("request") == answer["request"], "of this answer")
    assert record["person"].startswith("os:") and record["role"] == "engineer"
    assert record["tokens_in"] == answer["tokens_in"] and record["tokens_out"] == 5


def test_ask_reads_standard_input(served):
    assert "from a pipe [system:" in served.world.run("ask", "-", stdin="from a pipe").out


def test_ask_as_somebody_else(served, tmp_path):
    file = tmp_path / "token"
    file.write_text(served.token("consumer", "prod", person="anna") + "\n")
    served.world.run("ask", "--token-file", file, "hi")
    assert served.record(lambda r: r["person"] == "anna", "of anna")["role"] == "consumer"
    file.write_text("no-such-token\n")
    assert f"the token in {file}" in served.world.run("ask", "--token-file", file, "hi", status=5).err
    assert str(tmp_path / "nowhere") in served.world.run("ask", "--token-file", tmp_path / "nowhere", "hi", status=4).err
    file.write_text(served.token("viewer", "prod") + "\n")
    served.world.run("ask", "--token-file", file, "hi", status=5)


def test_ask_where_nothing_stands_or_nothing_serves(serve):
    served = serve()
    served.world.run("ask", "--env", "sandbox", "hi", status=4)
    served.world.run("ask", "--model", "nobody", "hi", status=4)
    assert served.stop() == 0
    assert "airlock serve" in served.world.run("ask", "hi", status=7).err


def test_ask_names_the_release_on_standard_error(served):
    asked = served.world.run("--verbose", "ask", "hi")
    assert asked.err.startswith(f"assistant:v1.0.0, release {served.digest}, request ")
    assert served.world.run("ask", "hi").err == ""  # no terminal


def test_ask_of_an_environment_that_serve_does_not_keep_says_so(served):
    assert "serve.environments of airlock.yaml does not list test" in served.world.run("ask", "--env", "test", "hi", status=4).err
    assert "serve.environments" in served.world.run("ask", "--env", "test", "--model", "assistant", "hi", status=4).err
    assert "airlock status" in served.world.run("ask", "--model", "nobody", "hi", status=4).err


def test_ask_without_a_question_or_of_no_environment_is_a_usage_error(served):
    assert 'wanted sandbox, test or prod, found "foo"' in served.world.run("ask", "--env", "foo", "hi", status=2).err
    served.world.run("ask", "", status=2)
    served.world.run("ask", " \n", status=2)
    assert "standard input" in served.world.run("ask", "-", stdin="\n", status=2).err


@needs("curl")
def test_curl_streams_and_sees_the_release(served):
    token = served.token("consumer", "prod")
    body = '{"model":"assistant","stream":true,"messages":[{"role":"user","content":"/slow 4 50"}]}'
    url = f"http://127.0.0.1:{served.port}/v1/chat/completions"
    done = subprocess.run(
        ["curl", "-sS", "-i", "-N", "--noproxy", "*", url, "-H", f"Authorization: Bearer {token}", "-d", body],
        capture_output=True, text=True, timeout=60, check=True,
    )
    assert f"Airlock-Release: {served.digest}" in done.stdout
    assert "Content-Type: text/event-stream" in done.stdout
    assert done.stdout.count('"content":"') == 4
    assert done.stdout.rstrip().endswith("data: [DONE]")


def test_the_record_of_an_answer_holds_no_text_and_is_proved_by_the_ledger(served):
    reply = served.chat(served.token("consumer", "prod", person="berta"), "a secret of hers")
    assert reply.status == 200 and reply.headers["Airlock-Release"] == served.digest
    record = served.record(lambda r: r["person"] == "berta", "of berta")
    assert_shape(record, "access-request")
    assert record["release"] == served.digest and record["request"] == reply.headers["Airlock-Request"]
    assert "secret" not in json.dumps(served.records())
    proved = wait_for(
        lambda: (lambda r: r if r.status == 0 else None)(served.world.run("ledger", "prove", "--access", record["id"], status=None)),
        "the record's batch in the ledger", timeout=10,
    )
    assert record["request"] in proved.out and "c2sp.org/tlog-proof" in proved.out


def test_who_may_ask_what(served):
    assert served.call("POST", "/v1/chat/completions", None, {}).status == 401
    assert served.chat("nonsense").status == 401
    assert served.chat(served.token("viewer", "prod")).status == 403
    consumer = served.token("consumer", "prod")
    assert served.chat(consumer).status == 200
    assert served.call("POST", "/v1/chat/completions", consumer, {}, {"Airlock-Environment": "test"}).status == 403
    assert served.chat(consumer, model="nobody").json["error"]["code"] == "model_not_found"
    assert [m["id"] for m in served.get("/v1/models", consumer).json["data"]] == ["assistant"]
    assert served.get("/v1/models", served.token("consumer", "test")).json["data"] == []


def test_a_revoked_token_is_forgotten_within_two_seconds(served):
    new = served.world.run("token", "new", "carla", "--role", "consumer", "--env", "prod", json=True).json
    assert served.chat(new["token"]).status == 200
    listed = served.world.run("token", "list", json=True).json
    served.world.run("token", "revoke", next(t for t in listed["tokens"] if t["person"] == "carla")["id"])
    time.sleep(1.5)
    assert served.chat(new["token"]).status == 401


def test_a_token_over_its_quota_is_told_when_to_come_back(serve):
    served = serve(**{"requests-per-minute": 3})
    token = served.token("consumer", "prod")
    assert [served.chat(token).status for _ in range(4)] == [200, 200, 200, 429]
    assert 1 <= int(served.chat(token).headers["Retry-After"]) <= 20
    assert served.chat(served.token("consumer", "prod", person="otto")).status == 200


def test_media_that_is_not_in_the_request_is_refused(served):
    part = {"type": "image_url", "image_url": {"url": "http://127.0.0.1:1/x.png"}}
    body = {"model": "assistant", "messages": [{"role": "user", "content": [part]}]}
    reply = served.call("POST", "/v1/chat/completions", served.operator, body)
    assert reply.status == 400 and "data:" in reply.json["error"]["message"]


def test_a_parameter_out_of_its_range_is_refused_by_name(served):
    message = served.chat(served.operator, max_tokens=-1)
    assert message.status == 400
    assert "/max_tokens: wanted a whole number from 1 to" in message.json["error"]["message"]
    assert message.json["error"]["message"].endswith("found -1")


def test_prompts_are_recorded_only_when_the_site_says_so(serve):
    served = serve(**{"log-prompts": "true"})
    served.chat(served.operator, "keep this")
    assert served.record(lambda r: "messages" in r, "with messages")["messages"][0]["content"] == "keep this"


def test_a_client_that_leaves_ends_the_engines_work(serve):
    served = serve()
    with socket.create_connection(("127.0.0.1", served.port)) as client:
        body = '{"model":"assistant","stream":true,"messages":[{"role":"user","content":"/slow 2000 20"}]}'
        client.sendall(
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {served.operator}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        seen = b""
        while b"word" not in seen:
            seen += client.recv(4096)
    record = served.record(lambda r: r["outcome"] == "client-left", "of who left")
    assert record["status"] == 499 and 0 < record["tokens_out"] < 2000
    metrics = served.get("/metrics", served.operator).text
    assert "airlock_chat_active 0\n" in metrics and "airlock_chat_aborted_total 1\n" in metrics


def test_an_engine_that_dies_in_mid_stream_ends_the_stream_with_an_error_event(serve):
    served = serve()
    reply = served.chat(served.operator, "/die 3", stream=True)
    assert reply.status == 200
    assert '"code":"engine_lost"' in reply.text and "[DONE]" not in reply.text
    assert served.record(lambda r: r["outcome"] == "engine-lost", "of the loss")["release"] == served.digest
    wait_for(lambda: served.chat(served.operator).status == 200, "the engine's next start", timeout=60)


def test_requests_in_hand_end_in_order_when_serve_is_told_to_stop(serve):
    served = serve()
    replies = []
    thread = threading.Thread(target=lambda: replies.append(served.chat(served.operator, "/slow 20 100", stream=True)))
    thread.start()
    time.sleep(0.5)
    assert served.stop(how=signal.SIGTERM) == 0
    thread.join(30)
    assert replies[0].status == 200 and "[DONE]" in replies[0].text
    assert not (served.home / "run/serve.json").exists()
    assert not (served.home / "run/operator.token").exists()
    assert served.records()[-1]["outcome"] == "answered"


def test_serve_says_where_it_listens_and_keeps_the_operators_token_to_its_user(served):
    found = json.loads((served.home / "run/serve.json").read_text())
    assert_shape(found, "serve")
    assert found["pid"] == served.server.pid
    assert f":{served.port}" in served.server.output
    mode = stat.S_IMODE(os.stat(served.home / "run/operator.token").st_mode)
    assert mode == 0o600


def test_a_second_serve_is_refused_and_the_first_goes_on(served):
    refused = served.world.run("serve", "--port", "0", status=7).err
    assert "another serve" in refused and f"It is pid {served.server.pid} on http://127.0.0.1:{served.port}" in refused
    assert served.chat(served.operator).status == 200


def test_only_loopback_until_there_is_tls(made):
    refused = made.run("serve", "--listen", "0.0.0.0", "--port", "0", status=2)
    assert "TLS" in refused.err
    made.run("serve", "--listen", "not an address", "--port", "0", status=2)
    made.run("serve", "--port", "70000", status=2)


def test_a_port_that_is_taken_is_told_before_anything_starts(made):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = made.run("serve", "--port", port, status=7)
    assert f"127.0.0.1 port {port}" in refused.err
    assert "engine" not in refused.err and not (made.contour / "run/engines.json").exists()


def test_status_shows_the_serve_that_runs_and_its_engines(served):
    shown = served.world.run("status")
    assert f"serve: pid {served.server.pid} on http://127.0.0.1:{served.port}" in shown.out
    assert "running" in shown.out and "a rollback would" not in shown.out  # nothing stood there before
    told = served.world.run("status", json=True).json
    assert (told["serve"]["pid"], told["serve"]["port"]) == (served.server.pid, served.port)
    assert [(e["name"], e["state"]) for e in told["engines"]] == [("assistant", "running")]
    assert told["policy"] == {"in_force": True, "error": ""}


def test_what_a_killed_serve_left_behind_is_not_taken_for_a_serve(serve):
    served = serve()
    served.server.kill()
    assert (served.home / "run/serve.json").exists() and (served.home / "run/engines.json").exists()
    shown = served.world.run("status")
    assert "no serve runs" in shown.out and "running" not in shown.out
    told = served.world.run("status", json=True).json
    assert told["serve"] is None and told["engines"] == []
    assert "no serve runs on this contour" in served.world.run("ask", "hi", status=7).err


def test_status_says_when_the_policy_is_not_in_force(serve):
    served = serve()
    policy = served.home / "policy.yaml"
    policy.write_text(policy.read_text() + "# a word more\n")
    assert "POLICY NOT IN FORCE" in served.world.run("status").out
    told = served.world.run("status", json=True).json["policy"]
    assert told["in_force"] is False and "policy.yaml" in told["error"]


def test_access_records_that_are_not_there_yet_are_said_to_come(made):
    told = made.run("log", "--access")
    assert told.out == "" and "within a second" in told.err


def test_health_needs_no_identity_and_all_else_does(served):
    assert served.get("/healthz").text == "ok\n"
    for path in ("/readyz", "/metrics", "/v1/models", "/v2/"):
        assert served.get(path).status == 401
    metrics = served.get("/metrics", served.token("auditor", "prod", person="aude"))
    assert metrics.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert metrics.text.endswith("# EOF\n")
    assert f'airlock_engine_up{{environment="prod",name="assistant",version="v1.0.0",release="{served.digest}"}} 1' in metrics.text
