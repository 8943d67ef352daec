# Signs everything in a module's folder that a policy of AllSigned looks at, and adds a signed file catalog
# (MODULE.cat), which covers the native libraries too. For Windows; the build program calls it for `package --sign`.
#
# The password of the certificate is the first line of the file that UMPIN_SIGN_PASSWORD_FILE names;
# UMPIN_SIGN_TIMESTAMP is the address of a time-stamp server.
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $Folder,
    [Parameter(Mandatory)] [string] $Certificate
)
$ErrorActionPreference = 'Stop'

$password = if ($env:UMPIN_SIGN_PASSWORD_FILE) {
    Get-Content -LiteralPath $env:UMPIN_SIGN_PASSWORD_FILE -TotalCount 1
}
$signer = [Security.Cryptography.X509Certificates.X509Certificate2]::new($Certificate, [string] $password)
$how = @{ Certificate = $signer; HashAlgorithm = 'SHA256'; IncludeChain = 'NotRoot' }
if ($env:UMPIN_SIGN_TIMESTAMP) { $how.TimestampServer = $env:UMPIN_SIGN_TIMESTAMP }

function Add-Signature([string] $Path) {
    $result = Set-AuthenticodeSignature -LiteralPath $Path @how
    # UnknownError: signed, and nobody here trusts the certificate.
    if ($result.Status -notin 'Valid', 'UnknownError') { throw "$Path was not signed: $($result.StatusMessage)" }
}

$kinds = '.dll', '.ps1', '.psm1', '.psd1', '.ps1xml', '.psrc', '.pssc'
$files = @(Get-ChildItem -LiteralPath $Folder -Recurse -File | Where-Object { $_.Extension -in $kinds })
foreach ($file in $files) { Add-Signature $file.FullName }
$catalog = [IO.Path]::Combine($Folder, (Split-Path -Leaf $Folder) + '.cat')
$null = New-FileCatalog -Path $Folder -CatalogFilePath $catalog -CatalogVersion 2
Add-Signature $catalog
'signed: {0} files and their catalog' -f $files.Count
