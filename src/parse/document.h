/* Documents: PDF, the compound files of older Office programs, RTF, PostScript, help files; and the zip files of newer
 * ones. Hard rule: nothing here reads a document to its end, so each is "not-scanned"; what is found is that it also
 * holds what runs when somebody opens it. Names behind compression or encryption are not seen. */
#pragma once

#include "parse/report.h"
#include "parse/zip.h"

void document_check(struct span file, struct report *r);

/* Office Open XML (ECMA-376-2) and OpenDocument 1.3 part 2, by the members that each must have. */
bool document_is_zip(const struct zip *z);
void document_zip_check(const struct zip *z, struct report *r);

/* The XML of such a document, which its reader would read: everything else in it is looked at by itself. */
bool document_owns(const char *path);
