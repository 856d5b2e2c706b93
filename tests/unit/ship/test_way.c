/* The whole way in one process: a station packs and ships, a contour receives. What the end-to-end tests ask of the
 * program is asked here under the sanitizers too. */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "ship/pack.h"
#include "ship/receive.h"
#include "ship/ship.h"
#include "ship/shipment.h"
#include "ship/station.h"
#include "util/file.h"

#define MODEL_BYTES (9U << 20) /* three blocks */

struct way {
    struct folder *f;
    struct site *station, *contour;
    char media[96];
};

static struct site *site_at(struct folder *f, const char *name, enum site_kind kind)
{
    struct err e = {0};
    char path[96];
    snprintf(path, sizeof path, "%s/%s", f->path, name);
    if (site_init(path, kind, name, NULL, &e) < 0)
        fail_msg("%s", e.msg);
    struct site *s = site_open(path, (int)kind, &e);
    if (!s)
        fail_msg("%s", e.msg);
    return s;
}

static void put_file(struct folder *f, const char *name, struct span bytes)
{
    struct err e = {0};
    if (file_write(f->fd, name, bytes, 0755, &e) < 0)
        fail_msg("%s", e.msg);
}

static void put_text(struct folder *f, const char *name, const char *text)
{
    put_file(f, name, span_str(text));
}

static void put_le64(struct buf *out, uint64_t value)
{
    buf_add_le32(out, (uint32_t)value);
    buf_add_le32(out, (uint32_t)(value >> 32));
}

static void put_name(struct buf *out, const char *name)
{
    put_le64(out, strlen(name));
    buf_add_str(out, name);
}

#define MODEL_HEAD 128U

/* GGUF 3 (ggml, docs/gguf.md): one pair of metadata, one tensor of bytes that fills the file. */
static void put_model_head(struct buf *out)
{
    buf_add_str(out, "GGUF");
    buf_add_le32(out, 3);
    put_le64(out, 1);
    put_le64(out, 1);
    put_name(out, "general.architecture");
    buf_add_le32(out, 8); /* a string */
    put_name(out, "llama");
    put_name(out, "blk.0.weight");
    buf_add_le32(out, 1);
    put_le64(out, MODEL_BYTES - MODEL_HEAD);
    buf_add_le32(out, 24); /* I8 */
    put_le64(out, 0);
    assert_in_range(out->len, MODEL_HEAD - 31, MODEL_HEAD);
    while (out->len < MODEL_HEAD)
        buf_add_byte(out, 0);
}

static void put_sources(struct folder *f)
{
    Elf64_Ehdr program = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                          .e_type = ET_EXEC,
                          .e_machine = EM_X86_64,
                          .e_version = EV_CURRENT,
                          .e_ehsize = sizeof program,
                          .e_phentsize = sizeof(Elf64_Phdr)};
    auto_buf model = BUF(MODEL_BYTES);
    put_model_head(&model);
    for (uint32_t i = MODEL_HEAD / 4; i < MODEL_BYTES / 4; i++)
        buf_add_be32(&model, i * 2654435761U);
    put_file(f, "model.gguf", buf_span(&model));
    put_file(f, "server", span_of(&program, sizeof program));
    put_text(f, "prompts.yaml", "system: x\nwarmup: [a]\n");
    put_text(f, "suite.yaml", "cases:\n  - name: a\n    prompt: b\n    assert:\n      - contains: c\n");
    put_text(f, "card.md", "# Card\n");
    put_text(f, "LICENSE", "Licence\n");
    put_text(f, "CHANGES.md", ""); /* a blob of no bytes is in no volume */
    put_text(f, "release.yaml",
             "name: assistant\nversion: v1.0.0\nowner: team\n"
             "model: {file: model.gguf, name: Tiny, licence: Apache-2.0}\n"
             "engine:\n  program: server\n  command: [/engine/server, \"{socket}\", \"{model}\"]\n"
             "prompts: prompts.yaml\nsuite: suite.yaml\ncard: card.md\nlicence: LICENSE\nchanges: CHANGES.md\n");
}

static void introduce(struct way *t)
{
    struct err e = {0};
    struct digest fingerprint;
    struct contour_identity c;
    struct json_out w;
    auto_buf identity = BUF(65536), root = BUF(65536), entry = BUF(65536);
    char path[96];
    json_out_init(&w, &identity);
    json_out_object(&w);
    json_put_string(&w, "schema", "airlock/identity/1");
    assert_int_equal(identity_write(t->contour, &w, &e), 0);
    json_out_object_end(&w);
    put_file(t->f, "identity.json", buf_span(&identity));
    snprintf(path, sizeof path, "%s/identity.json", t->f->path);
    if (station_make_root(t->station, &fingerprint, &e) < 0 || station_contour_add(t->station, path, &c, &e) < 0 ||
        file_read(t->station->dir, "root.json", &root, &e) < 0)
        fail_msg("%s", e.msg);
    const char *hex = digest_hex(&fingerprint).text;
    char name[65];
    snprintf(name, sizeof name, "%s", hex);
    assert_int_equal(site_begin(t->contour, &e), 0);
    site_event(t->contour, &w, &entry, "trust-root-add");
    if (tuf_root_add(t->contour->db, site_parser(t->contour, &e), buf_span(&root), name, &e) < 0 ||
        tuf_root_endorse(t->contour->db, name, site_key(t->contour, &e), t->contour->now_s, &e) < 0 ||
        site_commit(t->contour, &w, NULL, &e) < 0)
        fail_msg("%s", e.msg);
}

static void pack_it(struct way *t, struct pack_result *out)
{
    struct err e = {0};
    char path[96];
    snprintf(path, sizeof path, "%s/release.yaml", t->f->path);
    if (pack_release(t->station, path, false, NULL, NULL, out, &e) < 0)
        fail_msg("%s", e.msg);
}

static void ship_it(struct way *t, const char *folder)
{
    struct err e = {0};
    char release[] = "assistant:v1.0.0";
    char *releases[] = {release};
    struct ship_result r;
    snprintf(t->media, sizeof t->media, "%s/%s", t->f->path, folder);
    struct ship_order o = {.releases = releases,
                           .release_count = 1,
                           .contour = "contour",
                           .out = t->media,
                           .volume_bytes = 3 << 20,
                           .valid_s = 86400};
    if (ship_write(t->station, &o, NULL, &r, &e) < 0)
        fail_msg("%s", e.msg);
    assert_int_equal(r.volume_count, 4);
}

static void begin(struct way *t, void **state)
{
    struct pack_result packed;
    *t = (struct way){.f = *state};
    put_sources(t->f);
    t->station = site_at(t->f, "station", SITE_STATION);
    t->contour = site_at(t->f, "contour", SITE_CONTOUR);
    introduce(t);
    pack_it(t, &packed);
    assert_false(packed.already);
    ship_it(t, "media");
}

static void end(struct way *t)
{
    site_close(t->station);
    site_close(t->contour);
}

static void receive_it(struct way *t, struct receive_result *out)
{
    struct err e = {0};
    if (receive_media(t->contour, t->media, NULL, 0, NULL, out, &e) < 0)
        fail_msg("%s", e.msg);
}

static void expect_refused(struct way *t, enum err_code code, const char *word)
{
    struct err e = {0};
    struct receive_result r;
    assert_int_equal(receive_media(t->contour, t->media, NULL, 0, NULL, &r, &e), -1);
    if (e.code != code || !strstr(e.msg, word))
        fail_msg("wanted code %s and \"%s\", found %s: %s", err_code_name(code), word, err_code_name(e.code), e.msg);
}

static void what_was_shipped_is_what_is_received(void **state)
{
    struct way t;
    struct err e = {0};
    struct receive_result r;
    begin(&t, state);

    receive_it(&t, &r);

    assert_int_equal(r.number, 1);
    assert_int_equal(r.volume_count, 4);
    assert_int_equal(r.release_count, 1);
    struct blobs *b = shipment_blobs(t.contour, 1, &e);
    assert_non_null(b);
    auto_release x = release_read(b, site_parser(t.contour, &e), &r.releases[0].digest, &e);
    if (!x)
        fail_msg("%s", e.msg);
    assert_string_equal(x->model.name, "model.gguf");
    assert_int_equal(x->model.size, MODEL_BYTES);
    assert_int_equal(x->changes.size, 0);
    blobs_close(b);
    end(&t);
}

static void the_receipt_names_the_stations_key(void **state)
{
    struct way t;
    struct err e = {0};
    struct receive_result r;
    begin(&t, state);
    receive_it(&t, &r);

    struct public_key *k = release_station_key(t.contour, &r.releases[0].digest, &e);

    assert_non_null(k);
    assert_true(digest_equal(public_key_id(k), public_key_id(t.station->public_key)));
    public_key_free(k);
    struct digest other = digest_of_text("another release");
    assert_null(release_station_key(t.contour, &other, &e));
    assert_int_equal(e.code, ERR_NOTFOUND);
    end(&t);
}

static void received_twice_is_refused_and_shipped_twice_is_known(void **state)
{
    struct way t;
    struct receive_result r;
    begin(&t, state);
    receive_it(&t, &r);
    expect_refused(&t, ERR_DENIED, "received before");

    ship_it(&t, "media2");
    receive_it(&t, &r);

    assert_int_equal(r.number, 2);
    assert_true(r.releases[0].known);
    end(&t);
}

/* Changes one byte of a file of the medium. */
static void flip(struct way *t, const char *file, off_t at)
{
    char path[200];
    uint8_t byte;
    snprintf(path, sizeof path, "%s/%s", t->media, file);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static unsigned leftovers(struct way *t)
{
    struct err e = {0};
    unsigned removed = 0;
    assert_int_equal(quarantine_tidy(t->contour, &removed, &e), 0);
    return removed;
}

static void a_flipped_byte_anywhere_is_found_and_nothing_is_left(void **state)
{
    static const struct {
        const char *file;
        off_t at;
        const char *word;
    } places[] = {
        {"station-1-001.airlock", 3, "no Airlock volume"},
        {"station-1-001.airlock", 40, "damaged"},
        {"station-1-001.airlock", 5000, "damaged in block 1"},
        {"station-1-002.airlock", 1 << 20, "station-1-002.airlock"},
        {"station-1-004.airlock", 5000, "station-1-004.airlock"},
        {"metadata/timestamp.json", 100, "timestamp.json"},
        {"metadata/1.models.json", 300, "1.models.json"},
    };
    struct way t;
    struct receive_result r;
    begin(&t, state);
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        flip(&t, places[i].file, places[i].at);

        expect_refused(&t, ERR_INPUT, places[i].word);

        assert_int_equal(leftovers(&t), 0);
        flip(&t, places[i].file, places[i].at);
    }
    receive_it(&t, &r); /* whole again */
    end(&t);
}

static void what_an_interrupted_receive_left_is_taken_away(void **state)
{
    struct way t;
    struct err e = {0};
    struct receive_result r;
    begin(&t, state);
    auto_fd quarantine = dir_open(t.contour->dir, "quarantine", &e);
    assert_int_equal(dir_make(quarantine, "0123456789abcdef-1.partial", 0700, &e), 0);
    assert_int_equal(dir_make(quarantine, "0123456789abcdef-1", 0700, &e), 0);

    receive_it(&t, &r);

    assert_int_equal(leftovers(&t), 0);
    assert_int_equal(faccessat(quarantine, "0123456789abcdef-1", F_OK, 0), -1);
    struct blobs *b = shipment_blobs(t.contour, 1, &e);
    assert_non_null(b);
    blobs_close(b);
    end(&t);
}

static void there_is_no_shipment_that_nobody_received(void **state)
{
    struct way t;
    struct err e = {0};
    begin(&t, state);

    assert_null(shipment_blobs(t.contour, 1, &e));

    assert_int_equal(e.code, ERR_NOTFOUND);
    end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_shipped_is_what_is_received, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(the_receipt_names_the_stations_key, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(received_twice_is_refused_and_shipped_twice_is_known, folder_make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(a_flipped_byte_anywhere_is_found_and_nothing_is_left, folder_make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(what_an_interrupted_receive_left_is_taken_away, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(there_is_no_shipment_that_nobody_received, folder_make, folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
