"""Scripts by which shells complete calls of the program, made from the tables of commands and flags."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ghostpy.cli.commands import COMMANDS, Command
from ghostpy.cli.completing import Completed, Takes, flags_of

_PLAN = "batch"
"""The command whose first argument is a file."""


def _all_flags() -> Mapping[str, Completed]:
    return {flag.name: flag for command in COMMANDS for flag in flags_of(command)}


def _names(flags: Iterable[Completed]) -> str:
    return " ".join(f"--{flag.name}" for flag in flags)


# --- bash ----------------------------------------------------------------------------------------------------------

_BASH = """\
# Completion of ghostpy in bash. Use: source <(ghostpy completion bash)
_ghostpy() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} flag="" command="" place
    COMPREPLY=()
    # bash cuts --flag=value into three words.
    if [[ $cur == "=" ]]; then
        flag=${{COMP_WORDS[COMP_CWORD - 1]}} cur=""
    elif [[ ${{COMP_WORDS[COMP_CWORD - 1]}} == "=" ]]; then
        flag=${{COMP_WORDS[COMP_CWORD - 2]}}
    else
        flag=${{COMP_WORDS[COMP_CWORD - 1]}}
    fi
    case $flag in
{values}
    esac
    for ((place = 1; place < COMP_CWORD; place++)); do
        case ${{COMP_WORDS[place]}} in
            {names}) command=${{COMP_WORDS[place]}}; break ;;
        esac
    done
    case $command in
        "")
            if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W "{migrate} --version" -- "$cur"))
            else
                COMPREPLY=($(compgen -W "{commands}" -- "$cur"))
            fi
            ;;
{cases}
    esac
}}
complete -o filenames -F _ghostpy ghostpy
"""
_BASH_VALUES: Mapping[Takes, str] = {
    Takes.FILE: 'COMPREPLY=($(compgen -f -- "$cur")); return',
    Takes.FOLDER: 'COMPREPLY=($(compgen -d -- "$cur")); return',
    Takes.TEXT: "return",
}


def bash() -> str:
    flags = list(_all_flags().values())
    values = [
        f'        --{flag.name}) COMPREPLY=($(compgen -W "{" ".join(flag.choices)}" -- "$cur")); return ;;'
        for flag in flags
        if flag.takes is Takes.CHOICE
    ]
    for takes, action in _BASH_VALUES.items():
        alike = "|".join(f"--{flag.name}" for flag in flags if flag.takes is takes)
        values += [f"        {alike}) {action} ;;"] if alike else []
    names = [command.name for command in COMMANDS]
    return _BASH.format(
        values="\n".join(values),
        names="|".join(names),
        commands=" ".join(names),
        migrate=_names(flags_of(COMMANDS[0])),
        cases="\n".join(_bash_case(command) for command in COMMANDS),
    )


def _bash_case(command: Command) -> str:
    reply = f'COMPREPLY=($(compgen -W "{_names(flags_of(command))}" -- "$cur"))'
    if not command.words and command.name != _PLAN:
        return f"        {command.name}) {reply} ;;"
    words = f'compgen -W "{" ".join(command.words)}"' if command.words else "compgen -f"
    other = f'COMPREPLY=($({words} -- "$cur"))'
    return f"        {command.name}) if [[ $cur == -* ]]; then {reply}; else {other}; fi ;;"


# --- zsh -----------------------------------------------------------------------------------------------------------

_ZSH = """\
#compdef ghostpy
# Completion of ghostpy in zsh. Put this into a file _ghostpy in a folder of $fpath, or: source <(ghostpy completion zsh)
_ghostpy() {{
    local -a commands
    commands=(
{commands}
    )
    if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
        _describe 'command' commands
        return
    fi
    case $words[2] in
{cases}
    esac
}}
if [[ $funcstack[1] == _ghostpy ]]; then
    _ghostpy "$@"
else
    compdef _ghostpy ghostpy
fi
"""
_ZSH_VALUES: Mapping[Takes, str] = {
    Takes.FILE: ":file:_files",
    Takes.FOLDER: ":folder:_files -/",
    Takes.TEXT: ":value:",
}


def zsh() -> str:
    commands = "\n".join(f"        {_quoted(f'{each.name}:{_plain(each.meaning)}')}" for each in COMMANDS)
    return _ZSH.format(commands=commands, cases="\n".join(_zsh_case(command) for command in COMMANDS))


def _zsh_case(command: Command) -> str:
    pattern = f"{command.name}|-*" if command is COMMANDS[0] else command.name
    specs = [_quoted(_zsh_flag(flag)) for flag in flags_of(command)]
    if command.words:
        specs.append(_quoted(f"2:kind:({' '.join(command.words)})"))
    if command.name == _PLAN:
        specs.append(_quoted("2:plan:_files -g '*.toml'"))
    lines = " \\\n".join(f"                {spec}" for spec in specs)
    return f"        {pattern})\n            _arguments \\\n{lines}\n            ;;"


def _zsh_flag(flag: Completed) -> str:
    shown = f"[{_plain(flag.meaning)}]" if flag.meaning else ""
    if flag.takes is Takes.NOTHING:
        return f"--{flag.name}{shown}"
    value = f":value:({' '.join(flag.choices)})" if flag.takes is Takes.CHOICE else _ZSH_VALUES[flag.takes]
    return f"*--{flag.name}={shown}{value}"


def _plain(text: str) -> str:
    """Without what has a meaning of its own in a specification."""
    return text.translate({ord("["): "(", ord("]"): ")", ord(":"): ",", ord("\\"): "/", ord("`"): "'"})


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


# --- fish ----------------------------------------------------------------------------------------------------------


def fish() -> str:
    lines = [
        "# Completion of ghostpy in fish. Use: ghostpy completion fish > ~/.config/fish/completions/ghostpy.fish",
        "complete -c ghostpy -f",
    ]
    for command in COMMANDS:
        meaning = _quoted_fish(command.meaning)
        lines.append(f"complete -c ghostpy -n __fish_use_subcommand -a {command.name} -d {meaning}")
        when = f"-n {_quoted_fish(f'__fish_seen_subcommand_from {command.name}')}"
        if command.words:
            lines.append(f"complete -c ghostpy {when} -a {_quoted_fish(' '.join(command.words))}")
        if command.name == _PLAN:
            lines.append(f"complete -c ghostpy {when} -F")
        lines += [_fish_flag(flag, when) for flag in flags_of(command)]
    return "\n".join(lines) + "\n"


_FISH_VALUES: Mapping[Takes, str] = {Takes.NOTHING: "", Takes.FILE: " -r -F", Takes.FOLDER: " -r -F", Takes.TEXT: " -x"}


def _fish_flag(flag: Completed, when: str) -> str:
    chosen = f" -x -a {_quoted_fish(' '.join(flag.choices))}"
    value = chosen if flag.takes is Takes.CHOICE else _FISH_VALUES[flag.takes]
    meaning = f" -d {_quoted_fish(flag.meaning)}" if flag.meaning else ""
    return f"complete -c ghostpy {when} -l {flag.name}{value}{meaning}"


def _quoted_fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


SHELLS: Mapping[str, Callable[[], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
