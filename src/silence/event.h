/* What the two helper processes tell the session: fixed-size events over a sequenced-packet socket. Hard rule: the
 * session copies texts out of an event as clean text only; whatever a program chose (names, paths, arguments) stands in
 * there. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/err.h"

enum silence_event_kind {
    EVENT_PONG = 1, /* everything before it was reported */
    EVENT_CALL,     /* recorder: a call that tries to leave */
    EVENT_CONTACT,  /* recorder: somebody speaks to our DNS stub */
    EVENT_QUERY,    /* stub: a name was asked for; waits for the session's go */
    EVENT_BLIND,    /* recorder: a call could not be looked at; text says why */
};

struct silence_event {
    uint32_t kind;  /* enum silence_event_kind */
    int32_t pid;    /* EVENT_CALL, EVENT_CONTACT: on the host */
    uint32_t by_ip; /* EVENT_CALL: the kernel's routing counters count it */
    uint16_t port;
    uint16_t source_port; /* EVENT_QUERY */
    char op[24], proto[16], type[16], address[64], name[256], program[256], command[256];
};

/* What the session says to a helper: one byte. */
#define SILENCE_PING 'p'
#define SILENCE_GO   'g'

/* 0 or -1 with errno; the other side gone is EPIPE. */
int event_send(int sock, const struct silence_event *event);
/* 1; 0: gone; -1: errno. Texts are terminated. */
int event_receive(int sock, struct silence_event *event);

/* Copies `text`, with control bytes and what is not UTF-8 replaced by '?'; cut to fit. */
void clean_text(char *out, size_t size, const char *text);

/* A helper process: this program as `role`, with descriptors 4, 5, … as given. */
struct silence_helper {
    pid_t pid; /* 0: none */
    int sock;  /* -1: none, or gone */
};
int helper_start(const char *role, const int *fds, size_t count, struct silence_helper *out, struct err *e);
void helper_end(struct silence_helper *h);

/* The helpers' own mains. */
int stub_main(int sock, int udp, int tcp);
int recorder_main(int sock, int listener);
