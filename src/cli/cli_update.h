// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the files of `leadglass update` share.
#ifndef LEADGLASS_CLI_CLI_UPDATE_H
#define LEADGLASS_CLI_CLI_UPDATE_H

#include <stdbool.h>

struct update_box;

// `update --status`: what the boot loader will do. An exit code.
int update_status(const struct update_box *box, bool as_json);

#endif
