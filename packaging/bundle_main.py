"""Where the packaged program begins."""

import sys

from ampp_cli.main import main

sys.frozen = True  # as PyInstaller would say it, which has no word in the one-dir tree
sys.exit(main())
