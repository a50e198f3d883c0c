"""``gatecheck lsp``: the language server that editors start."""

import click


@click.command(name="lsp")
@click.option("--stdio", is_flag=True, help="Speak over standard input and output, as it always does.")
def command(stdio: bool) -> int:
    """Serve an editor: problems as you type, hover, completion, definitions, references, rename, layout, quick fixes.

    The editor starts it and speaks the Language Server Protocol over standard input and output. It needs an extra:
    pip install "gatecheck[lsp]".

    \b
    Examples:
      Neovim 0.11, in init.lua:
        vim.filetype.add({ extension = { gate = "gate" } })
        vim.lsp.config("gatecheck", { cmd = { "gatecheck", "lsp" }, filetypes = { "gate" }, root_markers = { ".git" } })
        vim.lsp.enable("gatecheck")
      Helix, in languages.toml:
        [language-server.gatecheck]
        command = "gatecheck"
        args = ["lsp"]
        [[language]]
        name = "gate"
        scope = "source.gate"
        file-types = ["gate"]
        comment-token = "#"
        language-servers = ["gatecheck"]
      VS Code: the extension in grammar/vscode starts it where `gatecheck` is in PATH.

    \b
    Exit codes: 0 the editor ended the session, 1 it went away without, 2 the extra is not installed.
    """
    from gatecheck.text.diagnostic import input_error

    try:
        from gatecheck.lsp.server import serve
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("gatecheck"):
            raise
        message = f"the language server needs `{error.name}`, which is not installed"
        raise input_error("GC821", message, hint='install the extra: pip install "gatecheck[lsp]"') from None
    return serve()
