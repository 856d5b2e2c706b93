#include "engine/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "engine/beneath.h"
#include "engine/layer.h"
#include "util/sys.h"

/* One helper is one process with one image, so its state may stand here. */
static struct {
    int dir; /* of a test */
    int root;
    struct tree tree;
    unsigned layers; /* so far; 0: nothing was begun */
    bool failed;
} state = {.dir = -1, .root = -1};

static int work_dir(void)
{
    return state.dir >= 0 ? state.dir : child_dir();
}

void unpack_use_dir(int dir)
{
    state.dir = dir;
}

void unpack_reset(void)
{
    if (state.layers)
        tree_fini(&state.tree);
    if (state.root >= 0)
        close(state.root);
    state.layers = 0;
    state.root = -1;
    state.failed = false;
}

static int begin(struct err *e)
{
    if (sys.mkdirat(work_dir(), ROOT_DIR_NAME, 0700) < 0)
        return err_set(e, ERR_IO, errno, "make the directory " ROOT_DIR_NAME);
    state.root = beneath_open(work_dir(), ROOT_DIR_NAME, O_RDONLY | O_DIRECTORY, 0);
    if (state.root < 0)
        return err_set(e, ERR_IO, errno, "open the directory " ROOT_DIR_NAME);
    tree_init(&state.tree);
    return 0;
}

static int next_layer(const struct layer *layer, struct digest *diff_id, struct err *e)
{
    if (state.failed || layer->number != state.layers + 1)
        return err_set(e, ERR_UNDECIDED, 0, "layer %u was asked for after %u; unpacking must begin again",
                       layer->number, state.layers);
    if (state.layers == 0 && begin(e) < 0)
        return -1;
    state.layers++;
    state.failed = layer_apply(&state.tree, state.root, layer, diff_id, e) < 0;
    return state.failed ? -1 : 0;
}

static int op_layer(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    auto_json order = json_parse(arg, 4096, "order of a layer", e);
    uint64_t number;
    const char *type = order ? json_need_string(order, "media_type", "", e) : NULL;
    struct digest diff_id;
    if (!type || json_need_uint(order, "number", "", &number, e) < 0)
        return -1;
    struct layer layer = {.blob = input, .media_type = type, .number = (unsigned)number};
    if (next_layer(&layer, &diff_id, e) < 0)
        return -1;
    struct json_out w;
    json_out_init(&w, reply);
    json_out_object(&w);
    json_put_digest(&w, "diff_id", &diff_id);
    json_out_object_end(&w);
    return 0;
}

static int write_list(struct span text, struct err *e)
{
    auto_fd fd = beneath_open(work_dir(), TREE_FILE_NAME, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd < 0)
        return err_set(e, ERR_IO, errno, "make " TREE_FILE_NAME);
    while (text.len > 0) {
        ssize_t put = sys.write(fd, text.ptr, text.len);
        if (put < 0)
            return err_set(e, ERR_IO, errno, "write " TREE_FILE_NAME);
        span_skip(&text, (size_t)put);
    }
    int raw = fd_steal(&fd);
    return sys.close(raw) < 0 ? err_set(e, ERR_IO, errno, "close " TREE_FILE_NAME) : 0;
}

/* Everything that was written is on the disk when this returns 0, so that the parent's rename publishes a whole tree.
 */
static int op_finish(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    struct digest image;
    auto_buf list = BUF(IMAGE_LIST_BYTES);
    (void)input;
    if (state.failed || state.layers == 0)
        return err_set(e, ERR_UNDECIDED, 0, "no layer was unpacked here; unpacking must begin again");
    if (digest_parse(arg, &image, e) < 0 || layer_finish(&state.tree, state.root, e) < 0)
        return -1;
    tree_write(&state.tree, &image, &list);
    if (buf_check(&list, "the tree list", e) < 0 || write_list(buf_span(&list), e) < 0)
        return -1;
    if (syncfs(state.root) < 0)
        return err_set(e, ERR_IO, errno, "syncfs of the unpacked image");
    struct json_out w;
    json_out_init(&w, reply);
    json_out_object(&w);
    json_put_uint(&w, "entries", state.tree.count);
    json_put_uint(&w, "bytes", state.tree.bytes);
    json_out_object_end(&w);
    return 0;
}

const struct child_op UNPACK_OPS[] = {
    {"layer", op_layer},
    {"finish", op_finish},
};
const size_t UNPACK_OPS_COUNT = ARRAY_LEN(UNPACK_OPS);

int unpack_main(int sock)
{
    return child_main(ROLE_UNPACK, sock, UNPACK_OPS, UNPACK_OPS_COUNT);
}
