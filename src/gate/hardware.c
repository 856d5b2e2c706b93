#include "gate/hardware.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "util/file.h"

#define CPUINFO_MAX (4U << 20) /* 256 processors write some 300 KiB */
#define FLAGS_MAX   512U

/* Instruction sets that an inference engine chooses its code by. A name that ends in * is a beginning. */
static const char *const COUNTED[] = {
    "sse2",   "ssse3",  "sse4*", "avx*", "fma",  "f16c", "bmi*", "amx*", "gfni", "vaes", "vpclmulqdq",
    "popcnt", "asimd*", "sve*",  "sme*", "i8mm", "bf16", "fphp", "neon", "vx*",  "nnpa", NULL,
};

static bool counted(struct span flag)
{
    for (const char *const *name = COUNTED; *name; name++) {
        size_t len = strlen(*name);
        if ((*name)[len - 1] == '*' ? span_starts(flag, span_of(*name, len - 1)) : span_equal_str(flag, *name))
            return true;
    }
    return false;
}

static struct span trim(struct span s)
{
    while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        span_skip(&s, 1);
    while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t' || s.ptr[s.len - 1] == '\r'))
        s.len--;
    return s;
}

static int compare_flags(const void *a, const void *b)
{
    return span_compare(*(const struct span *)a, *(const struct span *)b);
}

static void take_features(struct span list, char *out, size_t size)
{
    struct span flags[FLAGS_MAX], flag;
    size_t count = 0;
    while (list.len > 0 && count < FLAGS_MAX) {
        if (!span_take_until(&list, ' ', &flag)) {
            flag = list;
            list.len = 0;
        }
        if (flag.len > 0 && counted(flag))
            flags[count++] = flag;
    }
    qsort(flags, count, sizeof flags[0], compare_flags);
    size_t used = 0;
    for (size_t i = 0; i < count && used + flags[i].len + 2 < size; i++) {
        if (used > 0)
            out[used++] = ' ';
        memcpy(out + used, flags[i].ptr, flags[i].len);
        used += flags[i].len;
    }
    out[used] = '\0';
}

static void copy_text(struct span from, char *to, size_t size)
{
    size_t len = from.len < size - 1 ? from.len : size - 1;
    memcpy(to, from.ptr, len);
    to[len] = '\0';
}

/* The first processor speaks for all; machines of unlike processors are not what engines run on. */
static void read_cpuinfo(struct span text, struct hardware *out)
{
    struct span line, key;
    while (span_take_until(&text, '\n', &line)) {
        struct span value = line;
        if (!span_take_until(&value, ':', &key))
            continue;
        key = trim(key);
        value = trim(value);
        if (out->processor[0] == '\0' && (span_equal_str(key, "model name") || span_equal_str(key, "CPU part")))
            copy_text(value, out->processor, sizeof out->processor);
        if (out->features[0] == '\0' && (span_equal_str(key, "flags") || span_equal_str(key, "Features")))
            take_features(value, out->features, sizeof out->features);
    }
}

/* The proprietary driver says its version here; other accelerators come with their drivers' rooms. */
static void read_gpu(int root, struct hardware *out)
{
    auto_buf text = BUF(4096);
    struct err none;
    struct span line, rest;
    memcpy(out->gpu, "none", sizeof "none");
    if (file_read(root, "proc/driver/nvidia/version", &text, &none) < 0)
        return;
    rest = buf_span(&text);
    if (span_take_until(&rest, '\n', &line))
        copy_text(trim(line), out->gpu, sizeof out->gpu);
}

int hardware_read(const char *root, struct hardware *out, struct err *e)
{
    *out = (struct hardware){0};
    auto_fd dir = dir_open(AT_FDCWD, root[0] ? root : "/", e);
    if (dir < 0)
        return -1;
    auto_buf text = BUF(CPUINFO_MAX);
    if (file_read(dir, "proc/cpuinfo", &text, e) < 0)
        return -1;
    read_cpuinfo(buf_span(&text), out);
    if (out->processor[0] == '\0' && out->features[0] == '\0')
        return err_set(e, ERR_SYSTEM, 0, "/proc/cpuinfo names neither a processor nor its features");
    read_gpu(dir, out);
    auto_buf facts = BUF(4096);
    buf_printf(&facts, "%s\n%s\n%s\n", out->processor, out->features, out->gpu);
    out->id = digest_of(buf_span(&facts));
    return 0;
}

void hardware_json(struct json_out *w, const struct hardware *h)
{
    json_put_object(w, "hardware");
    json_put_digest(w, "id", &h->id);
    json_put_string(w, "processor", h->processor);
    json_put_string(w, "features", h->features);
    json_put_string(w, "gpu", h->gpu);
    json_out_object_end(w);
}

int hardware_id(const json_t *predicate, struct digest *out, struct err *e)
{
    const json_t *hardware = json_need_object(predicate, "hardware", "", e);
    return hardware ? json_need_digest(hardware, "id", "/hardware", out, e) : -1;
}
