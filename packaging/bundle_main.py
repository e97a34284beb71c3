"""Where the packaged program begins."""

import sys

from ampp_cli.main import main

sys.exit(main())
