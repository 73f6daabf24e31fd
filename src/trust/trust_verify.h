// SPDX-License-Identifier: GPL-2.0-or-later
//
// What trust_verify and the functions that do it apart share.
#ifndef LEADGLASS_TRUST_TRUST_VERIFY_H
#define LEADGLASS_TRUST_TRUST_VERIFY_H

#include "trust/trust_content.h"

// Verifies. 0, and a verdict; or -errno, when there is none: memory has run out, mbedTLS does not work, reading
// failed. Then the verdict is TRUST_UNCHECKED.
int trust_verify_content(struct trust_content *content, const struct trust *trust, struct trust_verdict *ret);

#endif
