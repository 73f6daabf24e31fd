// SPDX-License-Identifier: GPL-2.0-or-later
//
// What trust_about_apart does over there.
#ifndef LEADGLASS_TRUST_TRUST_ABOUT_H
#define LEADGLASS_TRUST_TRUST_ABOUT_H

#include "trust/trust.h"

// 0, -ENOMEM, or -EIO when mbedTLS fails.
int trust_about(const char *text, size_t size, struct trust_about *ret);

#endif
