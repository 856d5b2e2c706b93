/* A door for libcurl: whoever asks an engine over HTTP gives its handle this, and sets no socket's path himself. */
#pragma once

#include <curl/curl.h>

#include "sandbox/door.h"

/* Of one handle; lives as long as the handle may connect. */
struct door_call {
    struct door *door;
    struct err e;  /* why the door did not let it through; else ERR_NONE, whatever libcurl's result is */
    int inode, fd; /* of a connection that is being made; -1: none */
};

/* Before a request: `easy` gets its connections through the door, and they are kept for this door alone. */
void door_call_begin(struct door_call *c, struct door *door, CURL *easy);
/* After it, before the handle is used for another or freed. */
void door_call_end(struct door_call *c);
