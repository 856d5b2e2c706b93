/* The class of a file: by what the bytes are, and by the name where that says what the bytes are for. It is what a
 * policy's table of scanners is keyed by (docs/formats/policy.md). Hard rule: every file has one, and what could run or
 * holds other files is never in a class of mere data. */
#pragma once

#include "parse/sniff.h"

enum file_class {
    CLASS_PROGRAM,       /* machine code and byte code */
    CLASS_SCRIPT,        /* text that something runs or renders, templates too */
    CLASS_ARCHIVE,       /* holds other files: layers, compressed files, zip, unless it is one of the next two */
    CLASS_PACKAGE,       /* an archive that an installer takes: wheel, deb, rpm, apk, jar … */
    CLASS_MODEL,         /* weights, checkpoints, graphs, arrays; a zip or a tar too that is named like one */
    CLASS_DOCUMENT,      /* PDF, office files, HTML, plain text */
    CLASS_CONFIGURATION, /* JSON, YAML and other text without a telling name */
    CLASS_MEDIA,         /* pictures, fonts, sounds, locales */
    CLASS_UNKNOWN,       /* nothing that we know, databases, empty files */
    FILE_CLASSES
};

enum file_class file_class(enum content content, const char *name);

/* "program"; static. */
const char *file_class_name(enum file_class c);
bool file_class_from_name(const char *name, enum file_class *out);

/* Files of every class may be in it. */
bool file_class_holds_files(enum file_class c);
