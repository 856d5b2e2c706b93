/* Numbers of people and accounts, by their check digits. Pure functions over digits and letters without separators. */
#pragma once

#include <stdbool.h>

#include "util/span.h"

/* ISO 13616: letters and digits; the country's own length; modulo 97. Examples of the banks' manuals are none. */
bool personal_is_iban(struct span text);

/* ISO/IEC 7812: 13 to 19 digits in a range that an issuer has, Luhn; no published test number. */
bool personal_is_card(struct span digits);

enum personal_context {
    PERSONAL_NEVER,   /* no such number */
    PERSONAL_WITH,    /* if a word before it says so: by chance one in ten or twenty is one */
    PERSONAL_WITHOUT, /* by its form alone */
};

/* A number that a state gave to a person: *words gets what may stand before it (small letters, separated by '|').
 * `grouped`: it stood in groups, as people write it; a bit for each digit that a separator follows (bit 0: the first).
 */
enum personal_context personal_national(struct span text, uint32_t grouped, const char **words);

/* ICAO 9303: two lines of 44 (TD3) or 36 (TD2), each check digit right. `text` begins at the first line. */
bool personal_is_mrz(struct span text);
