// The script for each shell: it asks the program for the candidates, and hands them to the shell.
// None of them evaluates what it is given: a profile's name may hold anything that a shell
// understands. bash's runs on bash 3.2, which macOS has.
import { candidatesWord } from "./shells.ts";

// bash cuts words at `=` and `:` as well (COMP_WORDBREAKS). They are put together again, and of a
// candidate only what follows the last cut is handed over.
const bash = `# bash completion for postern: source <(postern completion bash)

_postern() {
  local line=\${COMP_LINE:0:COMP_POINT} words=() kept= piece i
  for ((i = 0; i <= COMP_CWORD; i++)); do
    local rest=\${line#"\${line%%[![:space:]]*}"}
    piece=\${COMP_WORDS[i]}
    [[ $i -eq $COMP_CWORD ]] && piece=$rest
    if [[ $i -gt 0 && $rest == "$line" ]]; then
      kept=\${words[\${#words[@]} - 1]}
      words[\${#words[@]} - 1]=$kept$piece
    else
      kept=
      words+=("$piece")
    fi
    line=\${rest#"$piece"}
  done
  [[ $piece == [=:] ]] && kept=$kept$piece

  local command=\${words[0]} current=\${words[\${#words[@]} - 1]} quote= otherwise candidate
  case $current in
    [\\"\\']*) quote=\${current:0:1} ;;
  esac
  for ((i = 1; i < \${#words[@]}; i++)); do
    words[i]=\${words[i]#[\\"\\']}
    words[i]=\${words[i]//\\\\/}
  done

  COMPREPLY=()
  {
    IFS= read -r otherwise
    while IFS= read -r candidate; do
      candidate=\${candidate%%$'\\t'*}
      [[ -n $quote ]] || printf -v candidate %q "$candidate"
      COMPREPLY+=("\${candidate#"$kept"}")
    done
  } < <("$command" completion ${candidatesWord} "\${words[@]:1}" 2>/dev/null)

  case $otherwise in
    files) compopt -o default 2>/dev/null ;;
    folders) compopt -o dirnames 2>/dev/null ;;
    tool*) _postern_tool "\${otherwise#tool }" ;;
  esac
  [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *//* ]] && compopt -o nospace 2>/dev/null
  return 0
}

# The tool's own completion, where bash-completion is there to find it.
_postern_tool() {
  local own=(\${COMPREPLY[@]+"\${COMPREPLY[@]}"})
  if declare -F _command_offset >/dev/null; then
    _command_offset $(($1 + 1))
  else
    compopt -o default 2>/dev/null
  fi
  COMPREPLY=(\${own[@]+"\${own[@]}"} \${COMPREPLY[@]+"\${COMPREPLY[@]}"})
}

complete -F _postern postern
`;

const zsh = `#compdef postern
# zsh completion for postern: as a file _postern in a folder of fpath, or source <(postern completion zsh)

_postern() {
  local otherwise line
  local -a answer described plain
  local current=\${(Q)PREFIX}
  answer=("\${(@f)$("\${(Q)words[1]}" completion ${candidatesWord} "\${(@Q)words[2,CURRENT - 1]}" "$current" 2>/dev/null)}")
  otherwise=\${answer[1]}
  for line in "\${(@)answer[2,-1]}"; do
    if [[ $line == *$'\\t'* ]]; then
      described+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
    elif [[ -n $line ]]; then
      plain+=("$line")
    fi
  done

  (( $#described )) && _describe -t words postern described
  if (( $#plain == 1 )) && [[ $plain[1] == *//* ]]; then
    compadd -S '' -a plain
  else
    compadd -a plain
  fi
  case $otherwise in
    files) _files ;;
    folders) _files -/ ;;
    tool*)
      shift $((\${otherwise#tool } + 1)) words
      (( CURRENT -= \${otherwise#tool } + 1 ))
      _normal
      ;;
  esac
}

if [[ $funcstack[1] == _postern ]]; then
  _postern "$@"
else
  compdef _postern postern
fi
`;

const fish = `# fish completion for postern: postern completion fish | source

function __postern_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l answer ($words[1] completion ${candidatesWord} $words[2..-1] "$current" 2>/dev/null)
    for candidate in $answer[2..-1]
        echo $candidate
    end
    switch "$answer[1]"
        case files
            __fish_complete_path "$current"
        case folders
            __fish_complete_directories "$current"
        case 'tool *'
            set -l first (math (string replace 'tool ' '' -- $answer[1]) + 2)
            set -l tool (string escape -- $words[$first..-1])
            complete -C (string join ' ' -- $tool "$current")
    end
end

complete -c postern -f -a '(__postern_complete)'
`;

/** shell → its script */
export const scripts: Record<string, string> = { bash, zsh, fish };
