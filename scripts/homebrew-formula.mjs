/**
 * The formula by which Homebrew installs the command line from its tarball.
 * @param manifest package.json of the command line
 * @param sha256 of the tarball
 */
export function formulaOf({ version, description, homepage, license }, sha256) {
  return `class Postern < Formula
  desc "${description}"
  homepage "${homepage}"
  url "${new URL(`releases/${version}/postern-${version}.tgz`, homepage)}"
  sha256 "${sha256}"
  license "${license}"

  depends_on "node"

  def install
    man1.install Dir["dist/man/*.1"]
    bash_completion.install "dist/completions/postern.bash" => "postern"
    zsh_completion.install "dist/completions/_postern"
    fish_completion.install "dist/completions/postern.fish"
    libexec.install "dist"
    bin.install_symlink libexec/"dist/postern.cjs" => "postern"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/postern --version")
  end
end
`;
}
