#include "fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/file.h"

int fixture_setup(void **state)
{
    struct err e;
    void *scratch;
    if (scratch_setup(&scratch))
        return -1;
    struct fixture *f = calloc(1, sizeof *f);
    f->scratch = *(struct scratch *)scratch;
    free(scratch);
    f->vkey = BUF(1000);
    f->db = db_make(f->scratch.dir, &e);
    f->key = private_key_new(KEY_ED25519, &e);
    f->ledger = f->db ? ledger_open(f->scratch.dir, f->db, FIXTURE_ORIGIN, f->key, &e) : NULL;
    *state = f;
    return f->ledger ? ledger_vkey(FIXTURE_ORIGIN, private_key_public(f->key), &f->vkey, &e) : -1;
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    ledger_close(f->ledger);
    private_key_free(f->key);
    db_close(f->db);
    buf_fini(&f->vkey);
    void *scratch = malloc(sizeof f->scratch);
    memcpy(scratch, &f->scratch, sizeof f->scratch);
    free(f);
    return scratch_teardown(&scratch);
}

void fixture_append(struct fixture *f, unsigned count)
{
    struct err e;
    struct json_out w;
    auto_buf entry = BUF(1000);
    assert_int_equal(db_begin(f->db, &e), 0);
    for (unsigned i = 0; i < count; i++) {
        buf_clear(&entry);
        ledger_event(&w, &entry, 1000000, "os:test", "test");
        json_put_uint(&w, "number", i);
        assert_int_equal(ledger_append(f->ledger, &w, 1000000, NULL, &e), 0);
    }
    assert_int_equal(db_commit(f->db, &e), 0);
}

void fixture_publish(struct fixture *f)
{
    struct err e = {0};
    if (ledger_publish(f->ledger, &e) < 0)
        fail_msg("%s", e.msg);
}

int fixture_verify(struct fixture *f, struct buf *report)
{
    struct err e = {0};
    uint64_t entries = 0;
    buf_clear(report);
    auto_fd dir = dir_open(f->scratch.dir, "ledger", &e);
    int result = ledger_verify(dir, buf_str(&f->vkey), report, &entries, &e);
    if (result < 0)
        fail_msg("%s", e.msg);
    return result;
}

void fixture_example(const char *name, struct buf *out)
{
    struct err e = {0};
    auto_buf path = BUF(4096);
    buf_printf(&path, "%s/docs/formats/examples/%s", getenv("AIRLOCK_SOURCE"), name);
    if (file_read(AT_FDCWD, buf_str(&path), out, &e) < 0)
        fail_msg("%s", e.msg);
    if (out->len && out->ptr[out->len - 1] == '\n')
        out->ptr[--out->len] = '\0';
}
