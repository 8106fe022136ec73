/* SPDX-License-Identifier: Apache-2.0 */
/* The public header needs nothing before it, may come twice, and gives every type that it speaks of. */
#include <fovea/fovea.h>
#include <fovea/fovea.h>

int header_alone(void);
int header_alone(void) {
    fovea_session_settings settings;
    fovea_screening screening;
    fovea_preset preset;
    return (int)(sizeof settings + sizeof screening + sizeof preset);
}
