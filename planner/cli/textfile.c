#include "planner/cli/textfile.h"

#include "base/outfile.h"

#include <stdlib.h>

cli_exit cli_textfile_begin(cli_textfile *file)
{
    *file = (cli_textfile){.text = NULL};
    file->stream = open_memstream(&file->text, &file->size);
    return file->stream ? CLI_DONE : cli_error(CLI_FAILED, "out of memory");
}

cli_exit cli_textfile_end(cli_textfile *file, const char *path)
{
    kerf_outfile out = KERF_OUTFILE_NONE;
    kerf_error err = {0};
    const bool bad = ferror(file->stream) != 0;
    if (fclose(file->stream) != 0 || bad) {
        free(file->text);
        return cli_error(CLI_FAILED, "out of memory");
    }
    kerf_status status = kerf_outfile_open(&out, path, true, &err);
    if (status == KERF_OK)
        status = kerf_outfile_write(&out, file->text, file->size, &err);
    if (status == KERF_OK)
        status = kerf_outfile_finish(&out, &err);
    if (status == KERF_OK)
        status = kerf_outfiles_place(&out, 1, true, &err);
    kerf_outfiles_clear(&out, 1);
    free(file->text);
    return status == KERF_OK ? CLI_DONE : cli_report(CLI_FAILED, &err);
}
