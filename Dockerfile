FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 NUMBA_CACHE_DIR=/var/cache/suanpan
WORKDIR /app
RUN useradd --system --home /app suanpan \
    && mkdir -p /var/cache/suanpan /var/lib/suanpan/media \
    && chown -R suanpan /var/cache/suanpan /var/lib/suanpan

COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
# The build needs settings to load, but neither a database nor a real secret.
RUN DATABASE_URL=postgresql://build/none REDIS_URL=redis://build SECRET_KEY=build SIGNING_KEYS=build python manage.py collectstatic --noinput

USER suanpan
EXPOSE 8000
CMD ["gunicorn", "marketplace.wsgi", "--bind", "0.0.0.0:8000", "--workers", "4", "--threads", "4", "--access-logfile", "-"]
