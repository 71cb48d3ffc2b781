"""``python -m dalsegno`` is the command ``dalsegno``."""

from dalsegno.cli import main

if __name__ == "__main__":
    main()
