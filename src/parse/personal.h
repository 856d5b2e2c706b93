/* Data of people in prompts, test suites, documents and data sets: what has a form that can be recognised. Hard rule:
 * no value leaves this module; a finding says the kind, how many, and the line of the first.
 *
 * What is not found: names, addresses, birthdays, health, and every number whose form says nothing. A clean file is no
 * proof that it holds no personal data. */
#pragma once

#include "parse/report.h"

/* From so many different ones on a finding is medium; below it is info.
 *
 * Addresses of mail and phone numbers stand in honest documents: authors, contacts, a support line. Fifty are more than
 * a list of authors has, twenty numbers more than an imprint. */
#define PERSONAL_EMAILS  50U
#define PERSONAL_PHONES  20U
/* Addresses of machines say something of people only in a log; a log has many. */
#define PERSONAL_IPS     100U
/* Numbers with check digits are no chance: one account, card or identity number of one person is one too many. Those
 * that manuals print as examples are passed over. */
#define PERSONAL_NUMBERS 1U

/* `name`: lists of authors and licences (AUTHORS, CREDITS, …) are not asked for addresses of mail. Rules:
 * personal-email, personal-phone, personal-ip, personal-iban, personal-card, personal-number (of a state: tax,
 * insurance, identity), personal-passport. */
void personal_check(struct span file, const char *name, struct report *r);
