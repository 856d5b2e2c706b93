/* The verdict. An attempt that was seen is a fact and fails the test, whoever slept. Without one, every recorder must
 * have been awake: each must have reported the canary of before and of after, still be alive at the end, and have
 * missed nothing that the kernel counted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/box_canary.h"
#include "silence/session.h"
#include "util/auto.h"

const char *silence_verdict_name(enum silence_verdict v)
{
    return v == SILENCE_PASSED ? "PASSED" : v == SILENCE_FAILED ? "FAILED" : "INCONCLUSIVE";
}

void silence_result_fini(struct silence_result *r)
{
    free(r->attempts);
    r->attempts = NULL;
    r->count = 0;
}

/* ── attempts ── */

static bool same(const struct silence_attempt *a, const struct silence_event *event)
{
    return a->port == event->port && strcmp(a->program, event->program) == 0 && strcmp(a->op, event->op) == 0 &&
           strcmp(a->proto, event->proto) == 0 && strcmp(a->name, event->name) == 0 &&
           strcmp(a->type, event->type) == 0 && strcmp(a->address, event->address) == 0;
}

static void fill(struct silence_attempt *a, const struct silence_event *event, const char *phase, int64_t at_ms)
{
    *a = (struct silence_attempt){
        .pid = event->pid, .port = event->port, .count = 1, .first_ms = at_ms, .last_ms = at_ms};
    clean_text(a->program, sizeof(a->program), event->program);
    clean_text(a->command, sizeof(a->command), event->command);
    clean_text(a->phase, sizeof(a->phase), phase);
    clean_text(a->op, sizeof(a->op), event->op);
    clean_text(a->proto, sizeof(a->proto), event->proto);
    clean_text(a->name, sizeof(a->name), event->name);
    clean_text(a->type, sizeof(a->type), event->type);
    clean_text(a->address, sizeof(a->address), event->address);
}

void silence_add(struct silence_result *r, const struct silence_event *event, const char *phase, int64_t at_ms)
{
    if (event->by_ip)
        r->recorded++;
    for (size_t i = 0; i < r->count; i++)
        if (same(&r->attempts[i], event)) {
            r->attempts[i].count++;
            r->attempts[i].last_ms = at_ms;
            return;
        }
    if (r->count == SILENCE_ATTEMPTS_MAX) {
        r->dropped++;
        return;
    }
    if (r->count % 32 == 0) {
        struct silence_attempt *more = realloc(r->attempts, (r->count + 32) * sizeof(*more));
        if (!more)
            abort();
        r->attempts = more;
    }
    fill(&r->attempts[r->count++], event, phase, at_ms);
}

/* ── the canary ── */

static bool is_call(const struct silence_event *event, const char *op, const char *address, unsigned port)
{
    return event->kind == EVENT_CALL && strcmp(event->op, op) == 0 && strcmp(event->address, address) == 0 &&
           event->port == port;
}

static bool is_name(const struct canary_run *c, const struct silence_event *event, const char *suffix)
{
    char wanted[128];
    snprintf(wanted, sizeof(wanted), "%s%s", c->nonce, suffix);
    return event->kind == EVENT_QUERY && strcmp(event->name, wanted) == 0;
}

unsigned canary_bit(const struct canary_run *c, const struct silence_event *event)
{
    if (is_call(event, "connect", CANARY_TCP4, CANARY_TCP_PORT))
        return SEEN_TCP4;
    if (is_call(event, "connect", CANARY_TCP6, CANARY_TCP_PORT))
        return SEEN_TCP6;
    if (is_call(event, "sendto", CANARY_SENDTO, CANARY_UDP_PORT))
        return SEEN_SENDTO;
    if (is_call(event, "sendmsg", CANARY_SENDMSG, CANARY_UDP_PORT))
        return SEEN_SENDMSG;
    if (is_call(event, "sendmmsg", CANARY_SENDMMSG, CANARY_UDP_PORT))
        return SEEN_SENDMMSG;
    if (event->kind == EVENT_CALL && strcmp(event->op, "socket") == 0 && strcmp(event->proto, "vsock") == 0)
        return SEEN_SOCKET;
    if (is_name(c, event, CANARY_UDP_SUFFIX))
        return SEEN_DNS_UDP;
    return is_name(c, event, CANARY_TCP_SUFFIX) ? SEEN_DNS_TCP : 0;
}

unsigned canary_wanted(const struct canary_run *c)
{
    unsigned all = SEEN_CALLS | SEEN_NAMES;
    return c->missing & CANARY_NO_IPV6 ? all & ~(unsigned)SEEN_TCP6 : all;
}

uint64_t canary_packets(const struct canary_run *c)
{
    return c->missing & CANARY_NO_IPV6 ? 4 : 5;
}

static void list_missing(const struct canary_run *c, unsigned of, char *out, size_t size)
{
    static const struct {
        unsigned bit;
        const char *name;
    } names[] = {{SEEN_TCP4, "connect by IPv4"},  {SEEN_TCP6, "connect by IPv6"},
                 {SEEN_SENDTO, "sendto"},         {SEEN_SENDMSG, "sendmsg"},
                 {SEEN_SENDMMSG, "sendmmsg"},     {SEEN_SOCKET, "socket of family vsock"},
                 {SEEN_DNS_UDP, "a name by UDP"}, {SEEN_DNS_TCP, "a name by TCP"}};
    auto_buf b = BUF(size - 1);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (of & canary_wanted(c) & ~c->seen & names[i].bit)
            buf_printf(&b, "%s%s", b.len ? ", " : "", names[i].name);
    snprintf(out, size, "%s", buf_str(&b));
}

/* ── the recorders ── */

static struct silence_recorder *recorder(struct silence_result *r, size_t at, const char *name)
{
    struct silence_recorder *one = &r->recorders[at];
    snprintf(one->name, sizeof(one->name), "%s", name);
    return one;
}

/* A recorder is awake when it lived to the end and reported its share of both canaries. */
static void judge_reporter(struct silence_recorder *one, const struct silence_facts *f, bool died, unsigned share,
                           uint64_t reported)
{
    char before[160], after[160];
    list_missing(&f->before, share, before, sizeof(before));
    list_missing(&f->after, share, after, sizeof(after));
    one->awake = !died && !before[0] && !after[0];
    if (died)
        snprintf(one->detail, sizeof(one->detail), "its process ended before the test did");
    else if (before[0])
        snprintf(one->detail, sizeof(one->detail), "did not report the canary's %s", before);
    else if (after[0])
        snprintf(one->detail, sizeof(one->detail), "did not report the canary's %s, after the run", after);
    else
        snprintf(one->detail, sizeof(one->detail), "reported %llu attempt%s of the program, and both canaries",
                 (unsigned long long)reported, reported == 1 ? "" : "s");
}

static bool witness_saw(const struct canary_run *c)
{
    return c->counted && c->made && c->packets == canary_packets(c);
}

static void judge_witness(struct silence_recorder *one, const struct silence_result *r, const struct silence_facts *f)
{
    one->awake = f->witness_read && witness_saw(&f->before) && witness_saw(&f->after);
    if (!f->witness_read || !f->before.counted || !f->after.counted)
        snprintf(one->detail, sizeof(one->detail), "the kernel's counters could not be read");
    else if (!one->awake)
        snprintf(one->detail, sizeof(one->detail), "counted %llu and %llu packets of the canary; wanted %llu each time",
                 (unsigned long long)f->before.packets, (unsigned long long)f->after.packets,
                 (unsigned long long)canary_packets(&f->before));
    else
        snprintf(one->detail, sizeof(one->detail), "counted %llu packets without a route; the recorder saw %llu",
                 (unsigned long long)r->witness, (unsigned long long)r->recorded);
}

static void judge_canary(struct silence_recorder *one, const struct canary_run *c)
{
    one->awake = c->made && !(c->missing & CANARY_BROKEN) && (c->seen & canary_wanted(c)) == canary_wanted(c);
    if (!c->made)
        snprintf(one->detail, sizeof(one->detail), "did not run to its end");
    else if (c->missing & CANARY_BROKEN)
        snprintf(one->detail, sizeof(one->detail), "could not make all its attempts");
    else if (!one->awake)
        snprintf(one->detail, sizeof(one->detail), "was not seen by every recorder");
    else
        snprintf(one->detail, sizeof(one->detail), "seen by every recorder%s",
                 c->missing & CANARY_NO_IPV6 ? " (this host has no IPv6)" : "");
}

static void judge_recorders(struct silence_result *r, const struct silence_facts *f)
{
    uint64_t calls = 0, names = 0;
    for (size_t i = 0; i < r->count; i++)
        *(strcmp(r->attempts[i].op, "resolve") == 0 ? &names : &calls) += r->attempts[i].count;
    struct silence_recorder *notify = recorder(r, 0, "seccomp-notify");
    judge_reporter(notify, f, f->recorder_died, SEEN_CALLS, calls);
    if (notify->awake && f->blind[0]) {
        notify->awake = false;
        snprintf(notify->detail, sizeof(notify->detail), "could not look at %.200s", f->blind);
    }
    judge_reporter(recorder(r, 1, "dns-stub"), f, f->stub_died, SEEN_NAMES, names);
    judge_witness(recorder(r, 2, "kernel-witness"), r, f);
    judge_canary(recorder(r, 3, "canary-before"), &f->before);
    judge_canary(recorder(r, 4, "canary-after"), &f->after);
}

/* ── the verdict ── */

/* Packets that the kernel counted and nobody reported: something did try, unseen. */
static void add_unseen(struct silence_result *r)
{
    struct silence_event event = {.kind = EVENT_CALL, .op = "unseen", .proto = "ip", .program = "unknown"};
    if (r->witness <= r->recorded)
        return;
    uint64_t recorded = r->recorded, unseen = r->witness - r->recorded;
    size_t before = r->count;
    silence_add(r, &event, "", 0);
    if (r->count > before)
        r->attempts[before].count = unseen;
    r->recorded = recorded;
}

static void fail(struct silence_result *r)
{
    uint64_t total = r->dropped;
    for (size_t i = 0; i < r->count; i++)
        total += r->attempts[i].count;
    const struct silence_attempt *a = &r->attempts[0];
    r->verdict = SILENCE_FAILED;
    const char *where = a->name[0] ? a->name : a->address[0] ? a->address : a->proto;
    if (r->count == 1)
        snprintf(r->reason, sizeof(r->reason), "tried to leave %llu time%s: %.200s, %s %.200s",
                 (unsigned long long)total, total == 1 ? "" : "s", a->program, a->op, where);
    else
        snprintf(r->reason, sizeof(r->reason), "tried to leave %llu times in %zu ways; the first: %.180s, %s %.180s",
                 (unsigned long long)total, r->count, a->program, a->op, where);
}

void silence_judge(struct silence_result *r, const struct silence_facts *f)
{
    add_unseen(r);
    judge_recorders(r, f);
    if (r->count > 0) {
        fail(r);
        return;
    }
    r->verdict = SILENCE_INCONCLUSIVE;
    for (size_t i = 0; i < SILENCE_RECORDERS; i++)
        if (!r->recorders[i].awake) {
            snprintf(r->reason, sizeof(r->reason), "recorder %s cannot be relied on: %s", r->recorders[i].name,
                     r->recorders[i].detail);
            return;
        }
    if (f->box_died)
        snprintf(r->reason, sizeof(r->reason), "the box ended before the test did");
    else if (r->exercise_failed)
        snprintf(r->reason, sizeof(r->reason), "the program did not do what it was asked to: %s", r->exercise);
    else {
        r->verdict = SILENCE_PASSED;
        snprintf(r->reason, sizeof(r->reason), "nothing tried to leave, and every recorder was awake");
    }
}
