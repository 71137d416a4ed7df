import type { Candidate } from './candidates.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

interface Kind {
  /** What the shell reads once. It asks `registrar completion <shell> -- <words>` at each tab. */
  readonly script: string;
  /** A candidate as the script expects it, on one line. */
  readonly line: (candidate: Candidate) => string;
}

export const VALUE_KINDS: Readonly<Record<Shell, Kind>> = {
  bash: {
    script: `# bash completion of registrar; in ~/.bashrc: source <(registrar completion bash)
_registrar() {
  local line="\${COMP_LINE:0:COMP_POINT}" word candidate
  local -a words
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  word="\${words[\${#words[@]}-1]}"
  # Bash breaks words at these, and puts in only what stands behind the last of them.
  local breaks="\${COMP_WORDBREAKS//[^:=]/}" before=''
  [[ -n $breaks ]] && before="\${word%"\${word##*["$breaks"]}"}"
  COMPREPLY=()
  while IFS= read -r candidate; do
    COMPREPLY+=("\${candidate#"$before"}")
  done < <(registrar completion bash -- "\${words[@]:1}" 2>/dev/null)
}
complete -o default -F _registrar registrar`,
    line: ({ value }) => value,
  },
  zsh: {
    script: `#compdef registrar
# zsh completion of registrar; in ~/.zshrc, after compinit: source <(registrar completion zsh)
_registrar() {
  local -a candidates
  candidates=("\${(@f)$(registrar completion zsh -- "\${(@Q)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)}")
  candidates=("\${(@)candidates:#}")
  if (( \${#candidates} )); then _describe registrar candidates; else _files; fi
}
if [[ \${zsh_eval_context[-1]} == loadautofunc ]]; then _registrar "$@"; else compdef _registrar registrar; fi`,
    line: ({ value, description }) => `${value.replaceAll(':', '\\:')}:${description}`,
  },
  fish: {
    script: `# fish completion of registrar; in ~/.config/fish/config.fish: registrar completion fish | source
function __registrar_candidates
    set -l words (commandline -opc)
    set -e words[1]
    registrar completion fish -- $words "$(commandline -ct)" 2>/dev/null
end
complete -c registrar -f -a '(__registrar_candidates)'`,
    line: ({ value, description }) => `${value}\t${description}`,
  },
};
