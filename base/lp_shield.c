#include "base/lp_shield.h"

#include "base/error.h"

#include <glpk.h>
#include <setjmp.h>
#include <stdbool.h>
#include <string.h>

typedef struct shield {
    bool out_of_memory;
    jmp_buf jump;
} shield;

/* GLPK says why on its terminal before it calls the error hook. */
static int listen(void *info, const char *text)
{
    shield *s = info;
    if (strstr(text, "memory"))
        s->out_of_memory = true;
    return 1;
}

static void give_up(void *info)
{
    shield *s = info;
    longjmp(s->jump, 1);
}

/* setjmp stands alone here: what changes after it lives in *s. */
static kerf_status run(shield *s, void (*work)(void *), void *context, kerf_error *err)
{
    if (setjmp(s->jump) != 0) {
        glp_free_env();
        return s->out_of_memory
                   ? kerf_fail(err, KERF_E_NOMEM, NULL, "GLPK is out of memory")
                   : kerf_fail(err, KERF_E_INTERNAL, NULL, "GLPK stopped on an internal error");
    }
    glp_error_hook(give_up, s);
    glp_term_hook(listen, s);
    glp_term_out(GLP_OFF);
    work(context);
    glp_error_hook(NULL, NULL);
    glp_term_hook(NULL, NULL);
    glp_term_out(GLP_ON);
    return KERF_OK;
}

kerf_status lp_shielded(void (*work)(void *), void *context, kerf_error *err)
{
    shield s = {.out_of_memory = false};
    if (glp_init_env() > 1) /* anything else that finds no environment ends the process */
        return kerf_fail(err, KERF_E_NOMEM, NULL, "GLPK is out of memory");
    return run(&s, work, context, err);
}

void lp_release(void)
{
    int blocks = 0;
    if (glp_init_env() > 1)
        return; /* there is none, and none can be had */
    glp_mem_usage(&blocks, NULL, NULL, NULL);
    if (blocks == 0)
        glp_free_env();
}
