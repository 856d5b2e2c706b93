/* Java archives (jar, war, ear, hpi…): which Maven artifacts are in one, by META-INF/maven/…/pom.properties, or by
 * META-INF/MANIFEST.MF where there are none (JAR File Specification), archives inside of it too. Hard rule: what lies
 * in an archive is listed once for each place; a shaded archive names all that it was made of. */
#pragma once

#include "parse/inventory.h"

#define LIMIT_JAR_TEXT_BYTES (1U << 20) /* of a manifest or a pom.properties */

/* `nested`: archives around this one. */
void jar_read(struct span file, struct inventory *v, unsigned nested);

/* One file of properties or one manifest, as they lie in an archive. */
void jar_properties_read(struct span text, struct inventory *v);
