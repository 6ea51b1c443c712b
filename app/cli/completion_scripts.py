"""The completion scripts: each hands the words typed so far to ``prodigy _complete``."""

from __future__ import annotations

_BASH = """\
# bash completion for prodigy
_prodigy() {
    local IFS=$'\\n'
    local current="${COMP_WORDS[COMP_CWORD]}"
    COMPREPLY=($(prodigy _complete -- "${COMP_WORDS[@]:1:COMP_CWORD-1}" "$current" 2>/dev/null))
    if [ "${#COMPREPLY[@]}" -eq 1 ] && [ "${COMPREPLY[0]}" = "<files>" ]; then
        COMPREPLY=($(compgen -f -- "$current"))
        compopt -o filenames 2>/dev/null
    elif [ "${#COMPREPLY[@]}" -eq 1 ] && [[ "${COMPREPLY[0]}" == *= ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -F _prodigy prodigy
"""

_ZSH = """\
#compdef prodigy
# zsh completion for prodigy
_prodigy() {
    local -a before found
    before=("${(@)words[2,CURRENT-1]}")
    found=("${(@f)$(prodigy _complete -- "${before[@]}" "${words[CURRENT]}" 2>/dev/null)}")
    if [[ "${found[1]}" == "<files>" ]]; then
        _files
    else
        compadd -- "${(@)found:#}"
    fi
}
if [ "${funcstack[1]}" = "_prodigy" ]; then
    _prodigy "$@"
else
    compdef _prodigy prodigy
fi
"""

_FISH = """\
# fish completion for prodigy
function __prodigy_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l found (prodigy _complete -- $words[2..-1] "$current" 2>/dev/null)
    if test "$found[1]" = "<files>"
        __fish_complete_path "$current"
    else
        printf '%s\\n' $found
    end
end
complete -c prodigy -f -a '(__prodigy_complete)'
"""

_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def script_for(shell: str) -> str:
    """The script of ``bash``, ``zsh`` or ``fish``."""
    return _SCRIPTS[shell]
