#include "parse/paths.h"

#include <stdlib.h>
#include <string.h>

#define LIMIT_PATH_BYTES 4096U /* PATH_MAX */

/* Entries of the set: members and the directories above them. */
#define LIMIT_PATHS (4U << 20)

static const char *part_problem(struct span part)
{
    if (span_equal_str(part, ".."))
        return "a part \"..\", which leads out of the tree";
    if (part.len > 255)
        return "a part of more than 255 bytes";
    for (size_t i = 0; i < part.len; i++)
        if (part.ptr[i] < 0x20 || part.ptr[i] == 0x7f)
            return "a control character";
    return NULL;
}

/* Takes the next part of a path; an empty part or "." is skipped. */
static bool next_part(struct span *rest, struct span *part)
{
    while (rest->len > 0) {
        if (!span_take_until(rest, '/', part)) {
            *part = *rest;
            span_skip(rest, rest->len);
        }
        if (part->len > 0 && !span_equal_str(*part, "."))
            return true;
    }
    return false;
}

const char *path_problem(const char *path, struct buf *out, bool *absolute)
{
    struct span rest = span_str(path), part;
    buf_clear(out);
    *absolute = path[0] == '/';
    if (rest.len > LIMIT_PATH_BYTES)
        return "more than 4096 bytes";
    if (!span_is_utf8(rest))
        return "bytes that are no UTF-8";
    while (next_part(&rest, &part)) {
        const char *problem = part_problem(part);
        if (problem)
            return problem;
        if (out->len > 0)
            buf_add_byte(out, '/');
        buf_add_span(out, part);
    }
    return NULL;
}

static int depth_of(const char *path)
{
    struct span rest = span_str(path), part;
    int depth = 0;
    while (next_part(&rest, &part))
        depth++;
    return depth;
}

const char *symlink_problem(const char *at, const char *target)
{
    struct span rest = span_str(target), part;
    bool named = false;
    int depth = target[0] == '/' ? 0 : depth_of(at) - 1;
    if (rest.len == 0 || rest.len > LIMIT_PATH_BYTES)
        return "an empty target, or one of more than 4096 bytes";
    while (next_part(&rest, &part)) {
        bool up = span_equal_str(part, "..");
        if (up && named)
            return "a target that goes up again behind a named part, whose meaning depends on other links";
        named |= !up;
        depth += up ? -1 : 1;
        if (depth < 0)
            return "a target outside of the tree";
    }
    return NULL;
}

/* Open addressing; the texts lie one behind the other in `texts`. */
struct slot {
    uint64_t hash; /* 0: free */
    size_t text;   /* where it begins in texts */
    bool is_symlink, is_folder, is_other, has_below;
};

struct path_set {
    struct slot *slots; /* owned */
    size_t room, count;
    char *texts; /* owned */
    size_t texts_len, texts_room;
};

static uint64_t hash_of(const char *text, size_t len)
{
    uint64_t h = 0xcbf29ce484222325ULL; /* FNV-1a */
    for (size_t i = 0; i < len; i++)
        h = (h ^ (uint8_t)text[i]) * 0x100000001b3ULL;
    return h ? h : 1;
}

struct path_set *path_set_new(void)
{
    struct path_set *s = calloc(1, sizeof(*s));
    if (!s)
        abort();
    s->room = 1024;
    s->slots = calloc(s->room, sizeof(*s->slots));
    if (!s->slots)
        abort();
    return s;
}

void path_set_free(struct path_set *s)
{
    if (!s)
        return;
    free(s->slots);
    free(s->texts);
    free(s);
}

static void grow(struct path_set *s)
{
    struct slot *old = s->slots;
    size_t old_room = s->room;
    s->room *= 2;
    s->slots = calloc(s->room, sizeof(*s->slots));
    if (!s->slots)
        abort();
    for (size_t i = 0; i < old_room; i++) {
        if (!old[i].hash)
            continue;
        size_t at = old[i].hash & (s->room - 1);
        while (s->slots[at].hash)
            at = (at + 1) & (s->room - 1);
        s->slots[at] = old[i];
    }
    free(old);
}

static size_t keep_text(struct path_set *s, const char *text, size_t len)
{
    if (s->texts_room - s->texts_len < len + 1) {
        s->texts_room = (s->texts_room + len + 1) * 2;
        s->texts = realloc(s->texts, s->texts_room);
        if (!s->texts)
            abort();
    }
    size_t at = s->texts_len;
    memcpy(s->texts + at, text, len);
    s->texts[at + len] = '\0';
    s->texts_len += len + 1;
    return at;
}

/* The slot of a path, made if need be; NULL when the set is full. */
static struct slot *slot_of(struct path_set *s, const char *text, size_t len)
{
    uint64_t hash = hash_of(text, len);
    size_t at = hash & (s->room - 1);
    for (; s->slots[at].hash; at = (at + 1) & (s->room - 1)) {
        const char *other = s->texts + s->slots[at].text;
        if (s->slots[at].hash == hash && strncmp(other, text, len) == 0 && other[len] == '\0')
            return &s->slots[at];
    }
    if (s->count >= LIMIT_PATHS)
        return NULL;
    if (++s->count * 2 > s->room) {
        grow(s);
        at = hash & (s->room - 1);
        while (s->slots[at].hash)
            at = (at + 1) & (s->room - 1);
    }
    s->slots[at] = (struct slot){.hash = hash, .text = keep_text(s, text, len)};
    return &s->slots[at];
}

const char *path_set_add(struct path_set *s, const char *path, enum path_kind kind, bool *again, bool *full)
{
    size_t found = SIZE_MAX; /* by its place: texts move when they grow */
    *full = *again = false;
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        struct slot *above = slot_of(s, path, (size_t)(slash - path));
        if (!above) {
            *full = true;
            return NULL;
        }
        above->has_below = true;
        if (above->is_symlink && found == SIZE_MAX)
            found = above->text;
    }
    struct slot *own = slot_of(s, path, strlen(path));
    *full = !own;
    if (!own)
        return NULL;
    *again = own->is_other || (kind != PATH_FOLDER && own->is_folder);
    own->is_folder |= kind == PATH_FOLDER;
    own->is_other |= kind != PATH_FOLDER;
    own->is_symlink |= kind == PATH_SYMLINK;
    if (own->is_symlink && own->has_below && found == SIZE_MAX)
        found = own->text;
    return found == SIZE_MAX ? NULL : s->texts + found;
}
