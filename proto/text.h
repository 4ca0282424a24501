/* SPDX-License-Identifier: Apache-2.0
 *
 * Names that people give: to themselves, to a board. Others see them, so nothing may stay in them
 * that cannot be seen and changes what stands around it.
 */
#ifndef EASEL_TEXT_H
#define EASEL_TEXT_H

#include "buf.h"

/* Copies valid UTF-8 to `ret`, which has room for text.len + 1 bytes, and ends it with a zero byte.
 * Left out are control characters, those that direct the order of writing, ends of lines and
 * paragraphs, characters without width that join nothing, tags, and what is no character. What
 * joins (an emoji's parts, Persian letters) and what chooses a variant stays. Blanks of any kind
 * become one space; none is left at the ends. Returns the length, at most that of the text. */
size_t text_clean(struct span text, char *ret);

#endif
