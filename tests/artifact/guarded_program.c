/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a network with every page of this program's code guarded: an indirect branch to a place that does not say that it
 * is one ends the program (SIGILL). With a second argument it makes such a branch, which must not be survived. */
#include <fovea/fovea.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define PROTECTION_BTI 0x10 /* PROT_BTI, which older C libraries do not name */

/* The linker's names for where the code begins and ends. */
extern char __executable_start, etext;

void unmarked(void);
__asm__(".text\n.global unmarked\nunmarked: ret\n");

static void guard(void) {
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t begin = (uintptr_t)&__executable_start & ~(page - 1), end = ((uintptr_t)&etext + page - 1) & ~(page - 1);
    if (mprotect((void*)begin, end - begin, PROT_READ | PROT_EXEC | PROTECTION_BTI) != 0) {
        perror("guarded_program: mprotect");
        _exit(2);
    }
}

int main(int argc, char** argv) {
    fovea_model* model = NULL;
    fovea_session* session = NULL;
    fovea_session_info info = {.size = sizeof(info)};
    unsigned char* input = NULL;
    float logits[FOVEA_MAX_CLASSES] = {0};
    fovea_status status = argc >= 2 ? FOVEA_OK : FOVEA_ERROR_INVALID_ARGUMENT;
    guard();
    if (argc > 2) {
        void (*volatile call)(void) = unmarked;
        call();
    }
    if (status == FOVEA_OK) status = fovea_model_load_file(argv[1], NULL, &model);
    if (status == FOVEA_OK) status = fovea_session_create(model, NULL, &session);
    if (status == FOVEA_OK) status = fovea_session_describe(session, &info);
    if (status == FOVEA_OK) input = calloc((size_t)info.input_height * info.input_width, info.input_channels);
    if (status == FOVEA_OK && input != NULL) status = fovea_run(session, input, FOVEA_U8, logits, NULL);
    printf("%s: %s, %g %g\n", info.isa != NULL ? info.isa : "", fovea_status_string(status), logits[0], logits[1]);
    fflush(stdout);
    /* Not by way of exit: the start files' own functions need not be marked. */
    _exit(status == FOVEA_OK && input != NULL ? 0 : 1);
}
