/* The signed record of a collecting, byte for byte as docs/formats/examples/collection.json has it. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collect/collecting.h"
#include "util/file.h"
#include "util/limits.h"

static const struct client PIP = {"pip", "/usr/bin/pip3", "python3-pip"};

/* What a run of pip leaves in the record. */
static void fill_run(struct client_record *r, struct relay_connection list[2], struct silence_attempt *attempt)
{
    static char *argv[] = {(char *)"/usr/bin/pip3", (char *)"download", (char *)"--require-hashes", NULL};
    static const char *const recorders[] = {"seccomp-notify", "dns-stub", "kernel-witness", "canary-before",
                                            "canary-after"};
    struct err e = {0};
    *r = (struct client_record){.client = &PIP, .argv = argv, .started_s = 1793000000, .ms = 912};
    snprintf(r->version, sizeof r->version, "pip 23.0.1 from /usr/lib/python3/dist-packages/pip (python 3.11)");
    assert_int_equal(places_add_text(&r->places, "https://pypi.example/simple/", &e), 0);
    assert_int_equal(places_add_text(&r->places, "https://files.example/", &e), 0);
    list[0] = (struct relay_connection){.place = 0, .sent = 1930, .received = 49856, .begin_ms = 310, .end_ms = 872};
    list[1] = (struct relay_connection){.place = 1, .sent = 1891, .received = 80746, .begin_ms = 402, .end_ms = 874};
    snprintf(list[1].why, sizeof list[1].why, "cut: the end");
    r->relay = (struct relay_record){.list = list, .count = 2};
    *attempt = (struct silence_attempt){
        .program = "/usr/bin/python3.11", .op = "resolve", .proto = "dns", .name = "elsewhere.example", .count = 2};
    r->watched.attempts = attempt;
    r->watched.count = 1;
    for (size_t i = 0; i < SILENCE_RECORDERS; i++) {
        snprintf(r->watched.recorders[i].name, sizeof r->watched.recorders[i].name, "%s", recorders[i]);
        r->watched.recorders[i].awake = true;
    }
}

static void the_record_is_the_golden_one(void **state)
{
    (void)state;
    struct site site = {.now_s = 1793000000};
    struct collect_set set = {.group = "prod", .kind = LOCK_PIP, .file = "requirements.txt"};
    const struct collect_spec spec = {.name = "app", .sets = &set, .set_count = 1};
    struct lock lock = {.digest = digest_of(SPAN_LIT("lock"))};
    struct package packages[2] = {{.size = 11053}, {.size = 66836}};
    struct client_record run;
    struct relay_connection connections[2];
    struct silence_attempt attempt;
    fill_run(&run, connections, &attempt);
    const struct collecting c = {.s = &site,
                                 .spec = &spec,
                                 .definition = digest_of(SPAN_LIT("collect.yaml")),
                                 .locks = &lock,
                                 .clients = {.list = &run, .count = 1},
                                 .packages = {.items = packages, .count = 2}};
    auto_buf written = BUF(LIMIT_JSON_BYTES), golden = BUF(LIMIT_JSON_BYTES);
    const struct digest manifest = digest_of(SPAN_LIT("manifest"));
    char path[4096];
    struct err e = {0};

    record_write(&c, &manifest, &written);

    assert_true(buf_ok(&written));
    snprintf(path, sizeof path, "%s/docs/formats/examples/collection.json", getenv("AIRLOCK_SOURCE"));
    assert_int_equal(file_read(AT_FDCWD, path, &golden, &e), 0);
    buf_add_byte(&written, '\n');
    assert_string_equal(buf_str(&written), buf_str(&golden));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_record_is_the_golden_one)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
