/* What the machine has: memory, processor, disk, time, arithmetic. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>

#include "cli/doctor.h"
#include "gate/hardware.h"
#include "trust/key.h"
#include "trust/openpgp.h"
#include "util/clock.h"
#include "util/file.h"

#define MIB (1ULL << 20)
#define GIB (1ULL << 30)

/* A small model and its engine take half a GiB; below this not even the demo runs. */
#define MEMORY_LEAST (1 * GIB)

/* Below the first nothing can be received at all; below the second only small models. */
#define DISK_LEAST (256 * MIB)
#define DISK_LOW   (4 * GIB)

/* No host runs this program before it was written. */
#define CLOCK_LEAST_S 1790000000 /* 2026-09-21 */

static void set(struct finding *f, enum health health, const char *found, const char *means, const char *todo)
{
    f->health = health;
    snprintf(f->found, sizeof(f->found), "%s", found);
    snprintf(f->means, sizeof(f->means), "%s", means);
    snprintf(f->todo, sizeof(f->todo), "%s", todo);
}

/* Bytes of a line "Name:   123 kB" of /proc/meminfo. */
static bool meminfo(const char *text, const char *name, uint64_t *bytes)
{
    const char *line = strstr(text, name);
    if (!line)
        return false;
    *bytes = strtoull(line + strlen(name), NULL, 10) * 1024;
    return *bytes > 0;
}

void doctor_memory(struct finding *f)
{
    struct err e = {0};
    uint64_t total, available;
    char text[96];
    auto_buf file = BUF(65536);
    if (file_read(AT_FDCWD, "/proc/meminfo", &file, &e) < 0 || !meminfo(buf_str(&file), "MemTotal:", &total) ||
        !meminfo(buf_str(&file), "MemAvailable:", &available)) {
        set(f, HEALTH_UNKNOWN, e.msg[0] ? e.msg : "/proc/meminfo does not say", "how large a model may be is not known",
            "");
        return;
    }
    snprintf(text, sizeof(text), "%.1f GiB, %.1f GiB of them free for use", (double)total / (double)GIB,
             (double)available / (double)GIB);
    bool enough = available >= MEMORY_LEAST;
    set(f, enough ? HEALTH_FINE : HEALTH_WEAK, text,
        "a model needs about the size of its file, and half as much again; a standby the same once more",
        enough ? "" : "free memory, or serve a smaller model");
}

void doctor_processor(struct finding *f)
{
    struct err e = {0};
    struct hardware h;
    char text[512];
    if (hardware_read("", &h, &e) < 0) {
        set(f, HEALTH_UNKNOWN, e.msg, "test results could not be bound to this hardware", "");
        return;
    }
    snprintf(text, sizeof(text), "%s; %.256s; GPU: %.64s", h.processor, h.features, h.gpu);
    bool fast = strstr(h.features, "avx2") || strstr(h.features, "asimd") || strstr(h.features, "neon");
    set(f, fast ? HEALTH_FINE : HEALTH_WEAK, text,
        fast ? "engines on the processor run at their usual speed; results are bound to this hardware"
             : "engines built for AVX2 end with an illegal instruction; others are slow",
        fast ? "" : "build the engine for this processor");
}

void doctor_disk(struct finding *f, const char *home)
{
    struct err e = {0};
    uint64_t bytes;
    char text[512];
    auto_fd dir = dir_open(AT_FDCWD, home, &e);
    if (dir < 0 || disk_free(dir, &bytes, &e) < 0) {
        set(f, HEALTH_UNKNOWN, e.msg, "how much can be received is not known", "see --home");
        return;
    }
    snprintf(text, sizeof(text), "%.1f GiB free at %.400s", (double)bytes / (double)GIB, home);
    enum health health = bytes < DISK_LEAST ? HEALTH_BROKEN : bytes < DISK_LOW ? HEALTH_WEAK : HEALTH_FINE;
    set(f, health, text,
        "a shipment needs its own size in quarantine; admission takes no more, unpacking an engine does",
        health == HEALTH_FINE ? "" : "free space, or put the contour on a larger file system");
}

void doctor_clock(struct finding *f, const char *home)
{
    struct err e = {0};
    int64_t now = clock_now_s(), floor_s = 0;
    char text[256];
    auto_site s = site_open(home, -1, &e);
    if (s && site_clock_floor(s, &floor_s, &e) < 0) {
        set(f, HEALTH_UNKNOWN, e.msg, "whether the clock was set back is not known", "airlock fsck");
        return;
    }
    if (!s && e.code != ERR_NOTFOUND) {
        set(f, HEALTH_UNKNOWN, e.msg, "whether the clock was set back is not known", "airlock fsck");
        return;
    }
    snprintf(text, sizeof(text), "%s%s%s", time_text(now).text,
             s ? "; certainly passed: " : "; no contour or station here", s ? time_text(floor_s).text : "");
    bool back = now < floor_s || now < CLOCK_LEAST_S;
    set(f, back ? HEALTH_BROKEN : HEALTH_FINE, text,
        back ? "the clock stands in the past: nothing is received, approved or promoted; what is served stays"
             : "expiry and replay can be judged",
        back ? "set the clock right" : "");
}

void doctor_clock_source(struct finding *f)
{
    struct timex t = {.modes = 0};
    if (adjtimex(&t) < 0)
        set(f, HEALTH_UNKNOWN, strerror(errno), "whether anything keeps the clock right is not known", "");
    else if (t.status & STA_UNSYNC)
        set(f, HEALTH_WEAK, "no time service keeps this clock",
            "it drifts by seconds a week; expiry dates are judged by it",
            "run chrony or ntpd against the contour's own clock");
    else
        set(f, HEALTH_FINE, "a time service keeps this clock", "expiry dates can be relied on", "");
}

/* The known answer of SHA-256 (FIPS 180-4, "abc"), and a signature of each kind that verifies, and does not over other
 * bytes. */
static bool signs(enum key_kind kind, struct err *e)
{
    struct signature signature;
    auto_private_key key = private_key_new(kind, e);
    if (!key || key_sign(key, SPAN_LIT("airlock"), &signature, e) < 0)
        return false;
    const struct public_key *public = private_key_public(key);
    struct span bytes = span_of(signature.bytes, signature.len);
    return key_verify(public, SPAN_LIT("airlock"), bytes) && !key_verify(public, SPAN_LIT("airlocK"), bytes);
}

void doctor_crypto(struct finding *f)
{
    struct err e = {0};
    struct digest d = digest_of(SPAN_LIT("abc"));
    bool right = strcmp(digest_hex(&d).text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") == 0;
    if (right && signs(KEY_ED25519, &e) && signs(KEY_P256, &e))
        set(f, HEALTH_FINE, "SHA-256, Ed25519 and P-256 give the right answers", "signatures can be made and verified",
            "");
    else
        set(f, HEALTH_BROKEN, e.msg[0] ? e.msg : "the crypto library gives a wrong answer",
            "nothing can be signed or verified", "install OpenSSL 3 (libssl3) anew; look at /etc/ssl/openssl.cnf");
}

void doctor_openpgp(struct finding *f)
{
    struct err e = {0};
    char version[128];
    if (openpgp_version(version, sizeof(version), &e) == 0)
        set(f, HEALTH_FINE, version, "apt indexes can be signed", "");
    else
        set(f, HEALTH_WEAK, e.msg, "apt clients get nothing; everything else works",
            "install GnuPG (on Debian: apt-get install gpg gpg-agent)");
}
