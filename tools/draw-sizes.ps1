# Draws docs/pictures/waits.svg and docs/pictures/rows.svg from docs/pictures/sizes.csv, which the benchmark's part
# `sizes` writes (docs/performance.md says the command):
#
#   pwsh -File tools/draw-sizes.ps1            writes the pictures
#   pwsh -File tools/draw-sizes.ps1 -Check     writes nothing, fails if they are not what the file says (a test does
# this)
[CmdletBinding()]
param(
    [switch] $Check,

    # Where the file is read, and the pictures are.
    [string] $Folder = "$PSScriptRoot/../docs/pictures"
)
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version Latest

$lines = Get-Content -LiteralPath "$Folder/sizes.csv" -Encoding utf8
$rows = @($lines | Where-Object { $_ -notlike '#*' } | ConvertFrom-Csv)
$machine = @($lines -like '#*')[-1].TrimStart('# ')
$sizes = @($rows | ForEach-Object { [double] $_.mailboxes })

# One hue for each way in which something is found, one stroke for each thing. The columns are the benchmark's words.
$waits = @(
    @{ Column = 'look-up'; Label = 'Get-UMMailboxPIN in the library'; Hue = 'a'; Dash = '' }
    @{ Column = 'look-up in a list''s order'; Label = 'the same in a list''s order'; Hue = 'a'; Dash = '2 3' }
    @{ Column = 'bare read'; Label = 'bare read of its columns'; Hue = 'a'; Dash = '5 4' }
    @{ Column = 'completion'; Label = 'completion of a name'; Hue = 'b'; Dash = '2 3' }
    @{ Column = 'name that begins so'; Label = '-Filter that an index serves'; Hue = 'b'; Dash = '' }
    @{ Column = '-Anr'; Label = '-Anr'; Hue = 'b'; Dash = '5 4' }
    @{ Column = 'name, no index'; Label = '-Filter without index: name'; Hue = 'c'; Dash = '' }
    @{ Column = 'address, no index'; Label = '-Filter without index: address'; Hue = 'c'; Dash = '5 4' }
)
$panels = @(
    @{ Column = 'bytes a mailbox'; Title = 'Bytes a mailbox' }
    @{ Column = 'import, rows a second of processor time'; Title = 'Import: rows a second of processor time' }
)

# As the same text whatever the culture.
function Get-Number([double] $Value, [string] $Format = '0.#') {
    $Value.ToString($Format, [cultureinfo]::InvariantCulture)
}

# Where a size stands between two places on the logarithmic axis.
function Get-X([double] $Size, [double] $From, [double] $To) {
    $first, $last = [math]::Log10($sizes[0]), [math]::Log10($sizes[-1])
    $From + ($To - $From) * ([math]::Log10($Size) - $first) / [math]::Max($last - $first, 1)
}

function Get-Head([int] $Width, [int] $Height, [string] $Title, [string] $Description) {
    # An own background: a page may be light where the system is dark.
    @"
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 $Width $Height" role="img" aria-labelledby="t d">
<!-- Made by tools/draw-sizes.ps1 from docs/pictures/sizes.csv. Do not edit. -->
<title id="t">$Title</title>
<desc id="d">$Description</desc>
<style>
text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 14px } .quiet { fill: #57606a } .middle { text-anchor: middle }
.end { text-anchor: end } .back { fill: #ffffff } .grid { stroke: #d8dee4 } .line { fill: none; stroke-width: 2 }
.a { stroke: #0b62b8 } .b { stroke: #1a7f37 } .c { stroke: #b3470f } circle { stroke: none }
circle.a { fill: #0b62b8 } circle.b { fill: #1a7f37 } circle.c { fill: #b3470f }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .quiet { fill: #9da7b1 } .back { fill: #0d1117 } .grid { stroke: #30363d }
.a { stroke: #6cb6ff } .b { stroke: #57c773 } .c { stroke: #f0a060 }
circle.a { fill: #6cb6ff } circle.b { fill: #57c773 } circle.c { fill: #f0a060 } }
</style>
<rect class="back" width="$Width" height="$Height" rx="6"/>
"@
}

function Get-Line([object[]] $Points, [string] $Hue, [string] $Dash) {
    $through = ($Points | ForEach-Object { "$(Get-Number $_.X),$(Get-Number $_.Y)" }) -join ' '
    $dashes = if ($Dash) { " stroke-dasharray=`"$Dash`"" }
    "<polyline class=`"line $Hue`"$dashes points=`"$through`"/>"
    foreach ($point in $Points) {
        "<circle class=`"$Hue`" cx=`"$(Get-Number $point.X)`" cy=`"$(Get-Number $point.Y)`" r=`"3`"/>"
    }
}

function Get-Text([double] $X, [double] $Y, [string] $Text, [string] $Class = '') {
    $named = if ($Class) { " class=`"$Class`"" }
    $escaped = [System.Security.SecurityElement]::Escape($Text)
    "<text x=`"$(Get-Number $X)`" y=`"$(Get-Number $Y)`"$named>$escaped</text>"
}

function Get-GridLine([double] $From, [double] $To, [double] $Y) {
    "<line class=`"grid`" x1=`"$From`" x2=`"$To`" y1=`"$(Get-Number $Y)`" y2=`"$(Get-Number $Y)`"/>"
}

# How long one waits, both axes logarithmic.
function Get-WaitPicture {
    $left, $right, $top, $bottom = 70, 560, 50, 380
    $all = foreach ($wait in $waits) { foreach ($row in $rows) { [double] $row.($wait.Column) } }
    $range = $all | Measure-Object -Minimum -Maximum
    $low = [math]::Floor([math]::Log10($range.Minimum))
    $high = [math]::Ceiling([math]::Log10($range.Maximum))
    $upward = { param($Value) $bottom - ($bottom - $top) * ([math]::Log10($Value) - $low) / ($high - $low) }
    $names = @{ 0 = '1 us'; 1 = '10 us'; 2 = '100 us'; 3 = '1 ms'; 4 = '10 ms'; 5 = '100 ms'; 6 = '1 s'; 7 = '10 s' }
    Get-Head 780 440 'How long one waits, against how many mailboxes there are' (
        'Eight lines from a thousand to a million mailboxes; the table beside the picture has the figures.')
    Get-Text 16 26 'How long one waits, against how many mailboxes there are' 'title'
    foreach ($power in $low..$high) {
        $y = & $upward ([math]::Pow(10, $power))
        Get-GridLine $left $right $y
        Get-Text ($left - 8) ($y + 4) $names[[int] $power] 'quiet end'
    }
    foreach ($size in $sizes) { Get-Text (Get-X $size $left $right) ($bottom + 20) (Get-Number $size '#,0') 'middle' }
    $ends = foreach ($wait in $waits) {
        $points = @(foreach ($row in $rows) {
                @{ X = Get-X $row.mailboxes $left $right; Y = & $upward ([double] $row.($wait.Column)) }
            })
        Get-Line $points $wait.Hue $wait.Dash | ForEach-Object { @{ Svg = $_ } }
        @{ Svg = ''; Label = $wait.Label; Y = $points[-1].Y }
    }
    ($ends | Where-Object { $_.Svg }).Svg
    # A label stands at its line's end, or below the label above it.
    $free = 0
    foreach ($end in $ends | Where-Object { -not $_.Svg } | Sort-Object { $_.Y }) {
        $y = [math]::Max($end.Y + 4, $free)
        $free = $y + 15
        Get-Text ($right + 12) $y $end.Label
    }
    Get-Text 16 426 $machine 'quiet'
    '</svg>'
}

# What each mailbox takes, from zero on.
function Get-RowPicture {
    Get-Head 780 300 'What each mailbox takes, against how many there are' (
        'Two lines from a thousand to a million mailboxes, with figures: bytes of the file, rows imported.')
    $top, $bottom = 70, 240
    $left = 50
    foreach ($panel in $panels) {
        $right = $left + 300
        $values = @($rows | ForEach-Object { [double] $_.($panel.Column) })
        $most = ($values | Measure-Object -Maximum).Maximum
        Get-Text ($left - 34) 26 $panel.Title 'title'
        Get-GridLine ($left - 20) ($right + 20) $bottom
        Get-Text ($left - 26) ($bottom + 4) '0' 'quiet end'
        $points = @(for ($at = 0; $at -lt $values.Count; $at++) {
                @{ X = Get-X $sizes[$at] $left $right; Y = $bottom - ($bottom - $top) * $values[$at] / $most }
            })
        Get-Line $points 'a' ''
        for ($at = 0; $at -lt $values.Count; $at++) {
            Get-Text $points[$at].X ($points[$at].Y - 10) (Get-Number $values[$at] '#,0') 'middle'
            Get-Text $points[$at].X ($bottom + 20) (Get-Number $sizes[$at] '#,0') 'middle quiet'
        }
        $left += 390
    }
    Get-Text 16 286 $machine 'quiet'
    '</svg>'
}

$pictures = [ordered]@{ 'waits.svg' = Get-WaitPicture; 'rows.svg' = Get-RowPicture }
foreach ($name in $pictures.Keys) {
    $svg = (($pictures[$name] | Where-Object { $_ }) -join "`n").Replace("`r", '') + "`n"
    $file = Join-Path (Resolve-Path -LiteralPath $Folder).Path $name
    $old = if (Test-Path -LiteralPath $file) { [System.IO.File]::ReadAllText($file) } else { '' }
    if ($old -ceq $svg) { continue }
    if ($Check) { throw "docs/pictures/$name is not what sizes.csv says. Run tools/draw-sizes.ps1 and look at it." }
    [System.IO.File]::WriteAllText($file, $svg, [System.Text.UTF8Encoding]::new($false))
    Write-Host "written: docs/pictures/$name"
}
