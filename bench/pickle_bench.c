/* Bytes a second of the pickle machine, beside one read of the same file; both in seconds of the processor, so that
 * what else runs does not count. The pickles are made here: each kind is what a pickler writes for such data, and each
 * has to come out clean. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "parse/pickle.h"
#include "util/auto.h"

#define RUNS 3

static void text(struct buf *b, const char *s)
{
    buf_add_byte(b, 'X');
    buf_add_le32(b, (uint32_t)strlen(s));
    buf_add_str(b, s);
}

/* LONG_BINPUT with the next number. */
static void memo(struct buf *b, uint32_t *count)
{
    buf_add_byte(b, 'r');
    buf_add_le32(b, (*count)++);
}

/* {"token 123": 123, …}, in batches of 1,000 as picklers write them. */
static void vocabulary(struct buf *b, size_t size)
{
    uint32_t count = 0;
    buf_add_str(b, "\x80\x02}");
    memo(b, &count);
    for (uint32_t i = 0; b->len < size; i++) {
        char word[32];
        snprintf(word, sizeof word, "token%u", i * 2654435761U);
        if (i % 1000 == 0)
            buf_add_str(b, i ? "u(" : "(");
        text(b, word);
        memo(b, &count);
        buf_add_byte(b, 'J');
        buf_add_le32(b, i);
    }
    buf_add_str(b, "u.");
}

/* [[0.5, 17, …], …] */
static void numbers(struct buf *b, size_t size)
{
    uint32_t count = 0;
    buf_add_str(b, "\x80\x02]");
    memo(b, &count);
    while (b->len < size) {
        buf_add_byte(b, ']');
        memo(b, &count);
        buf_add_byte(b, '(');
        for (int i = 0; i < 500; i++) {
            buf_add_str(b, "G?\xe0");
            buf_add_le32(b, (uint32_t)i * 2654435761U);
            buf_add_span(b, SPAN_LIT("\0\0"));
            buf_add_byte(b, 'K');
            buf_add_byte(b, (uint8_t)i);
        }
        buf_add_str(b, "ea");
    }
    buf_add_str(b, ".");
}

/* What data.pkl of a checkpoint is: names and tensors. */
static void tensors(struct buf *b, size_t size)
{
    uint32_t count = 10;
    buf_add_span(b, SPAN_LIT("\x80\x02}q\x00("));
    text(b, "names");
    buf_add_str(b, "(ctorch._utils\n_rebuild_tensor_v2\nq\x01"
                   "ctorch\nFloatStorage\nq\x02");
    text(b, "storage");
    buf_add_str(b, "q\x03");
    text(b, "cpu");
    buf_add_str(b, "q\x04"
                   "ccollections\nOrderedDict\nq\x05tu");
    for (uint32_t i = 0; b->len < size; i++) {
        char name[64];
        snprintf(name, sizeof name, "model.layers.%u.self_attn.q_proj.weight", i);
        text(b, name);
        memo(b, &count);
        buf_add_str(b, "h\x01((h\x03h\x02");
        snprintf(name, sizeof name, "%u", i);
        text(b, name);
        memo(b, &count);
        buf_add_span(b, SPAN_LIT("h\x04J\0\0\x10\0t"));
        memo(b, &count);
        buf_add_span(b, SPAN_LIT("QK\0M\0\4M\0\4\x86"));
        memo(b, &count);
        buf_add_span(b, SPAN_LIT("M\0\4K\1\x86"));
        memo(b, &count);
        buf_add_str(b, "\x89h\x05)R");
        memo(b, &count);
        buf_add_str(b, "t");
        memo(b, &count);
        buf_add_str(b, "R");
        memo(b, &count);
        buf_add_str(b, "s");
    }
    buf_add_str(b, ".");
}

/* [b"…64 KiB…", …] in protocol 4, with frames and MEMOIZE. */
static void blobs(struct buf *b, size_t size)
{
    uint32_t state = 1;
    buf_add_str(b, "\x80\x04]\x94");
    while (b->len < size) {
        buf_add_byte(b, 'B');
        buf_add_le32(b, 65536);
        for (size_t i = 0; i < 65536 / 4; i++)
            buf_add_le32(b, state = state * 1664525U + 1013904223U);
        buf_add_str(b, "\x94"
                       "a");
    }
    buf_add_str(b, ".");
}

static const struct {
    const char *name;
    void (*make)(struct buf *b, size_t size);
} KINDS[] = {{"vocabulary", vocabulary}, {"numbers", numbers}, {"tensors", tensors}, {"blobs", blobs}};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double read_once(const char *path)
{
    static uint8_t chunk[1U << 20];
    double begun = now();
    auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got;
    while ((got = read(fd, chunk, sizeof chunk)) > 0)
        ;
    return got < 0 ? -1 : now() - begun;
}

static double scan_once(const char *path, size_t size)
{
    auto_report r = {0};
    auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
    double begun = now();
    void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return -1;
    report_init(&r, "pickle");
    pickle_check(span_of(bytes, size), &r);
    double took = now() - begun;
    munmap(bytes, size);
    if (r.verdict == VERDICT_CLEAN)
        return took;
    fprintf(stderr, "not clean: %.2000s\n", (const char *)r.findings_json.ptr);
    return -1;
}

static double least(double a, double b)
{
    return a == 0 || b < a ? b : a;
}

static int measure(size_t kind, const char *path, size_t size)
{
    auto_buf b = BUF(size + (1U << 20));
    double reading = 0, scanning = 0;
    KINDS[kind].make(&b, size);
    auto_file f = fopen(path, "w");
    if (!buf_ok(&b) || !f || fwrite(b.ptr, 1, b.len, f) != b.len || fflush(f) != 0)
        return -1;
    size_t len = b.len;
    buf_fini(&b);
    for (int i = 0; i < RUNS; i++) { /* in turns, so that both see the same machine */
        double one = read_once(path), two = scan_once(path, len);
        if (one < 0 || two < 0)
            return -1;
        reading = least(reading, one);
        scanning = least(scanning, two);
    }
    double mb = (double)len / 1e6;
    printf("%-12s %8.0f %12.0f %12.0f %8.2f\n", KINDS[kind].name, mb, mb / reading, mb / scanning, reading / scanning);
    return 0;
}

int main(int argc, char **argv)
{
    struct rusage usage;
    size_t mib = argc > 2 ? strtoull(argv[2], NULL, 10) : 256;
    char path[4096];
    if (argc < 2) {
        fputs("usage: pickle-bench FOLDER [MIB]\n", stderr);
        return 2;
    }
    snprintf(path, sizeof path, "%s/pickle", argv[1]);
    printf("%-12s %8s %12s %12s %8s\n", "pickle of", "MB", "read MB/s", "machine MB/s", "ratio");
    for (size_t i = 0; i < ARRAY_LEN(KINDS); i++)
        if (measure(i, path, mib << 20) < 0)
            return 1;
    getrusage(RUSAGE_SELF, &usage);
    printf("peak memory %ld MiB, the file itself included (it is mapped); aim: 200 MB/s for each kind\n",
           usage.ru_maxrss / 1024);
    return 0;
}
