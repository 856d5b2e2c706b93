/* The unpack role for real: this very program is re-executed, confined, and writes below one directory. */
#include "engine/unpack.h"

#include <fcntl.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/beneath.h"
#include "engine/verify.h"
#include "layers.h"
#include "util/file.h"
#include "util/limits.h"
#include "util/log.h"

#define TAR "application/vnd.oci.image.layer.v1.tar"

static const struct digest IMAGE = {{7}};

struct place {
    char path[64];
    int dir;
    struct child *child;
    struct err e;
};

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    snprintf(p->path, sizeof p->path, "/tmp/airlock-unpack-XXXXXX");
    assert_non_null(mkdtemp(p->path));
    p->dir = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    p->child = child_start_in(ROLE_UNPACK, p->dir, &p->e);
    if (!p->child)
        fail_msg("%s", p->e.msg);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;
    child_stop(p->child);
    close(p->dir);
    assert_int_equal(tree_remove(AT_FDCWD, p->path, &p->e), 0);
    free(p);
    return 0;
}

static int send(struct place *p, struct layer_maker *m, unsigned number, const char *type)
{
    auto_buf bytes = BUF(64U << 20), arg = BUF(4096), reply = BUF(LIMIT_MESSAGE_BYTES);
    layer_end(m, &bytes);
    auto_fd fd = memfd_create("layer", MFD_CLOEXEC);
    assert_int_equal(write(fd, bytes.ptr, bytes.len), (ssize_t)bytes.len);
    buf_printf(&arg, "{\"number\":%u,\"media_type\":\"%s\"}", number, type);
    struct child_request ask = {.op = "layer", .fd = fd, .arg = buf_span(&arg), .timeout_ms = 20000};
    return child_call(p->child, &ask, &reply, &p->e);
}

static int finish(struct place *p)
{
    auto_buf reply = BUF(LIMIT_MESSAGE_BYTES);
    struct digest_text image = digest_text(&IMAGE);
    struct child_request ask = {.op = "finish", .fd = -1, .arg = span_str(image.text), .timeout_ms = 20000};
    return child_call(p->child, &ask, &reply, &p->e);
}

static void layers_are_unpacked_and_listed_by_the_confined_role(void **state)
{
    struct place *p = *state;
    static const char *const kinds[] = {"", "gzip", "zstd"}, *const types[] = {TAR, TAR "+gzip", TAR "+zstd"};
    for (unsigned k = 0; k < 3; k++) {
        struct layer_maker *m = layer_begin(kinds[k]);
        layer_dir(m, "bin", 0555);
        layer_file(m, k == 0 ? "bin/\xc3\xa4" : k == 1 ? "bin/b" : "bin/c", 0755, kinds[k]);
        layer_hardlink(m, k == 2 ? "d" : "e", "bin/\xc3\xa4");
        if (k == 1)
            layer_file(m, ".wh.nothing", 0644, "");
        if (send(p, m, k + 1, types[k]) < 0)
            fail_msg("%s", p->e.msg);
    }
    if (finish(p) < 0)
        fail_msg("%s", p->e.msg);
    auto_buf list = BUF(1U << 20);
    auto_tree t = {0};
    assert_int_equal(file_read(p->dir, TREE_FILE_NAME, &list, &p->e), 0);
    assert_int_equal(tree_read(buf_span(&list), &IMAGE, &t, &p->e), 0);
    assert_int_equal(t.count, 6);
    auto_fd root = beneath_open(p->dir, ROOT_DIR_NAME, O_RDONLY | O_DIRECTORY, 0);
    if (tree_verify(&t, root, NULL, &p->e) < 0)
        fail_msg("%s", p->e.msg);
}

static void a_refused_layer_ends_the_unpacking(void **state)
{
    struct place *p = *state;
    struct layer_maker *m = layer_begin("");
    layer_file(m, "../../out", 0644, "evil");
    assert_int_equal(send(p, m, 1, TAR), -1);
    assert_int_equal(p->e.code, ERR_INPUT);
    m = layer_begin("");
    layer_file(m, "fine", 0644, "x");
    assert_int_equal(send(p, m, 2, TAR), -1);
    assert_int_equal(p->e.code, ERR_UNDECIDED);
    assert_int_equal(finish(p), -1);
    assert_int_equal(p->e.code, ERR_UNDECIDED);
}

static void layers_come_in_order(void **state)
{
    struct place *p = *state;
    struct layer_maker *m = layer_begin("");
    layer_file(m, "fine", 0644, "x");
    assert_int_equal(send(p, m, 2, TAR), -1);
    assert_int_equal(p->e.code, ERR_UNDECIDED);
    assert_non_null(strstr(p->e.msg, "begin again"));
}

#define RULE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        RULE(layers_are_unpacked_and_listed_by_the_confined_role),
        RULE(a_refused_layer_ends_the_unpacking),
        RULE(layers_come_in_order),
    };
    if (argc >= 3 && strcmp(argv[1], "--role") == 0)
        return unpack_main(3);
    setlocale(LC_CTYPE, "C.UTF-8");
    log_set_format(LOG_SILENT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
