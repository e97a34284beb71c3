"""Completion for bash, zsh and fish: the scripts, and the answers to what the scripts ask.

`ampp completion SHELL` prints a script. When a word is to be completed, the script runs `ampp` with `_AMPP_COMPLETE`
set to the shell's name and `AMPP_WORDS` to the words so far, and reads lines of a kind, a value and a help text with
tabs between them. Kinds: `plain`, `open` (the word goes on), `file` and `dir` (the shell knows its files best).
Nothing that goes wrong disturbs who is typing: there are no suggestions then.
"""

import os
import re
import shlex
import sys
from typing import Final

import click
from click.shell_completion import CompletionItem, ShellComplete

__all__ = ["SCRIPTS", "VARIABLE", "answer", "command"]

VARIABLE: Final = "_AMPP_COMPLETE"
_WORDS: Final = "AMPP_WORDS"
_BREAKS: Final = "AMPP_BREAKS"
_HELP: Final = 100
"""Characters of a help text."""

_BASH: Final = r"""# ampp completion for bash: eval "$(ampp completion bash)" in ~/.bashrc
_ampp_completion() {
    local kind value
    COMPREPLY=()
    while IFS=$'\t' read -r kind value _; do
        case $kind in
            file) compopt -o default 2>/dev/null ;;
            dir) compopt -o dirnames 2>/dev/null ;;
            open) compopt -o nospace 2>/dev/null; COMPREPLY+=("$value") ;;
            plain) COMPREPLY+=("$value") ;;
        esac
    done < <(_AMPP_COMPLETE=bash AMPP_WORDS="${COMP_LINE:0:COMP_POINT}" AMPP_BREAKS="$COMP_WORDBREAKS" \
        "$1" 2>/dev/null)
}
complete -o nosort -F _ampp_completion ampp 2>/dev/null || complete -F _ampp_completion ampp
"""

_ZSH: Final = r"""#compdef ampp
# ampp completion for zsh: eval "$(ampp completion zsh)" in ~/.zshrc, after compinit; or as _ampp in a folder of $fpath
_ampp() {
    local kind value help
    local -a described going
    while IFS=$'\t' read -r kind value help; do
        case $kind in
            file) _files ;;
            dir) _files -/ ;;
            open) going+=("$value") ;;
            plain) described+=("${value//:/\\:}${help:+:$help}") ;;
        esac
    done < <(_AMPP_COMPLETE=zsh AMPP_WORDS="${(F)words[1,CURRENT-1]}"$'\n'"$PREFIX" ${words[1]} 2>/dev/null)
    (( $#described )) && _describe -V ampp described
    (( $#going )) && compadd -S '' -a going
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _ampp "$@"
else
    compdef _ampp ampp
fi
"""

_FISH: Final = r"""# ampp completion for fish: ampp completion fish > ~/.config/fish/completions/ampp.fish
function __ampp_complete
    set -l words (commandline -opc) (commandline -ct)
    set -lx _AMPP_COMPLETE fish
    set -lx AMPP_WORDS (string join \n -- $words | string collect --no-trim-newlines)
    for line in ($words[1] 2>/dev/null)
        set -l part (string split -m 2 \t -- $line)
        switch $part[1]
            case file
                __fish_complete_path (commandline -ct)
            case dir
                __fish_complete_directories (commandline -ct)
            case plain open
                echo $part[2]\t$part[3]
        end
    end
end
complete -c ampp -f -a '(__ampp_complete)'
"""

SCRIPTS: Final = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


class _Completion(ShellComplete):
    """What one command line may go on with."""

    source_template = ""

    def __init__(self, root: click.Command, shell: str) -> None:
        super().__init__(root, {}, "ampp", VARIABLE)
        self.shell = shell

    def get_completion_args(self) -> tuple[list[str], str]:
        text = os.environ.get(_WORDS, "")
        if self.shell == "bash":
            words = _typed(text)
        else:
            # fish ends its list with a line break.
            words = [_unquoted(word) for word in text.removesuffix("\n" * (self.shell == "fish")).split("\n")]
        return words[1:-1], words[-1] if len(words) > 1 else ""

    def format_completion(self, item: CompletionItem[str]) -> str:
        value = item.value
        if self.shell == "bash":
            value = value[len(_fixed(self.get_completion_args()[1])) :]
        help_text = " ".join((item.help or "").split())[:_HELP]
        return f"{item.type}\t{value}\t{help_text}"


def _fixed(incomplete: str) -> str:
    """What bash does not replace of a word: all up to the last sign that parts words for it, such as = and :."""
    breaks = set(os.environ.get(_BREAKS, "")) & set("=:@")
    at = max((incomplete.rfind(sign) for sign in breaks), default=-1)
    return incomplete[: at + 1]


def _typed(line: str) -> list[str]:
    """The words of a line that may end inside quotes; the last one is what is to be completed, perhaps empty."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.commenters = ""
    words: list[str] = []
    try:
        words.extend(lexer)
    except ValueError:
        # A quote that is not closed yet, or a backslash at the end.
        words.append(lexer.token)
        return words
    return words if line[-1:].strip() else [*words, ""]


def _unquoted(word: str) -> str:
    words = _typed(word)
    return words[0] if len(words) == 1 else re.sub(r"[\\'\"]", "", word)


def answer(root: click.Command) -> int:
    """Print what the command line in the environment may go on with; the exit status."""
    try:
        text = _Completion(root, os.environ[VARIABLE]).complete()
    except Exception:  # noqa: BLE001
        return 1
    sys.stdout.write(text + "\n" if text else "")
    return 0


@click.command("completion")
@click.argument("shell", type=click.Choice(tuple(SCRIPTS)))
def command(shell: str) -> None:
    """Print the completion script of a SHELL, which says at its top how to use it."""
    click.echo(SCRIPTS[shell], nl=False)
