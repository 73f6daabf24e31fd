// SPDX-License-Identifier: GPL-2.0-or-later
//
// Whether an update that the right people have signed is for this box, and newer than what runs here. All that
// is wrong with it is said.
#include "update/update.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

int update_judge(const struct update *update, const struct update_box *box, bool same_image,
                 struct problems *problems)
{
	const struct update_manifest *manifest = &update->manifest;
	bool good = true;

	if (strcmp(manifest->board, box->board) != 0) {
		problem_addf(problems, PROBLEM_ERROR, manifest->board_at, (uint32_t)strlen(manifest->board),
		             "take the update file of this board",
		             "this update is for the board %s, and this box is %s", manifest->board,
		             box->board);
		good = false;
	}
	if (manifest->serial < box->serial) {
		problem_addf(problems, PROBLEM_ERROR, manifest->serial_at, 0,
		             "an image that was replaced does not come back: have it built again with a higher "
		             "serial",
		             "serial %" PRIu64 " is lower than %" PRIu64 ", which runs here", manifest->serial,
		             box->serial);
		good = false;
	} else if (manifest->serial == box->serial && !same_image) {
		problem_addf(problems, PROBLEM_ERROR, manifest->serial_at, 0,
		             "every image has a serial of its own: have this one built with the next",
		             "serial %" PRIu64 " runs here, and is another image", manifest->serial);
		good = false;
	}
	return good ? 0 : -EKEYREJECTED;
}
