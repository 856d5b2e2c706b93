/* POSIX extended regular expressions over a model's answer, bounded in size, time and memory: pattern and text come
 * from a release and from an engine, and the C library's matcher can be made to run for ever. Hard rule: the matcher
 * runs in a child process with limits; a child that was stopped is no match and no mismatch. */
#pragma once

#include "util/err.h"
#include "util/span.h"

#define PATTERN_BYTES_MAX      512U
#define PATTERN_TEXT_BYTES_MAX (256U << 10)

/* Refuses what is malformed or unbounded: back references, repetitions over 255, more than PATTERN_BYTES_MAX.
 * ERR_INPUT. */
int pattern_check(const char *pattern, struct err *e);

/* 1: `pattern` matches somewhere in `text`; 0: it does not; -1: ERR_INPUT, ERR_LIMIT, ERR_UNDECIDED (time or memory ran
 * out). */
int pattern_search(const char *pattern, const char *text, struct err *e);
